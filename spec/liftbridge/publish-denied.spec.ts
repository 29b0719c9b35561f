import { expect } from 'chai';
import { lastValueFrom, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import type { WeirError } from '../../lib/core/errors.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { Handles, Told } from './support.js';

describe('liftbridge: publishing without the permission', function () {
  this.timeout(60_000);
  const [open, shut] = [unique('open'), unique('shut')];
  let server: LiftbridgeServer;
  const handles = new Handles();

  before(async () => {
    const rules = [...[open, shut].map((name) => `${name}, CreateStream`), '*, FetchMetadata', `${open}, Publish`];
    server = await startLiftbridge({ acl: rules.map((rule) => `client, ${rule}`) });
  });
  after(() => server.stop());
  afterEach(() => handles.close());

  it('refuses each message, and nothing else on the same call', async () => {
    const { ca, clientCert: cert, clientKey: key } = server.certificates!.pem;
    const broker = handles.make(server, { tls: { ca, cert, key } });
    for (const name of [open, shut]) await broker.createStream({ name });
    const told = new Told(broker);
    const all = (name: string): Promise<string[]> =>
      lastValueFrom(broker.publishFrom(name, ['a', 'b', 'c'], { codec: text }).pipe(toArray())).then((receipts) =>
        receipts.map(({ value, error }) => `${value} ${error?.code ?? 'ok'}`),
      );
    const [accepted, refused] = await Promise.all([all(open), all(shut)]);
    expect(accepted).to.deep.equal(['a ok', 'b ok', 'c ok']);
    expect(refused).to.deep.equal(['a AUTHORIZATION', 'b AUTHORIZATION', 'c AUTHORIZATION']);
    // the server stores them all the same, and says so; nobody waits for that
    expect(await all(open)).to.deep.equal(['a ok', 'b ok', 'c ok']);
    const error = await broker.publishToSubject(shut, Buffer.from('x')).catch((reason: unknown) => reason as WeirError);
    expect(error).to.have.property('code', 'AUTHORIZATION');
    expect(told.events).to.deep.equal([]);
  });
});

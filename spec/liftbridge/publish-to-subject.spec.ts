import { expect } from 'chai';
import { lastValueFrom, toArray } from 'rxjs';
import { InvalidOptionError, type WeirError } from '../../lib/core/errors.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import type { LiftbridgeBroker, LiftbridgeDelivery } from '../../lib/liftbridge/index.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { Handles } from './support.js';

const hi = Buffer.from('hi');

describe('liftbridge: publishToSubject', function () {
  this.timeout(60_000);
  let server: LiftbridgeServer;
  const handles = new Handles();
  let broker: LiftbridgeBroker;

  before(async () => {
    server = await startLiftbridge({ maxPayload: 2_000_000 });
  });
  after(() => server.stop());
  beforeEach(() => {
    broker = handles.make(server);
  });
  afterEach(() => handles.close());

  const read = (stream: string): Promise<LiftbridgeDelivery[]> =>
    lastValueFrom(broker.messages(stream, { start: earliest(), until: untilNow() }).pipe(toArray()));
  const failure = (promise: Promise<unknown>): Promise<WeirError> =>
    promise.then(
      () => expect.fail('it was published'),
      (error: unknown) => error as WeirError,
    );

  it('publishes to the stream that is bound to the subject, with all that goes with it', async () => {
    const [subject, name] = [unique('orders.eu'), unique('stream')];
    await broker.createStream({ name, subject });
    const receipt = await broker.publishToSubject(subject, hi, {
      key: 'k',
      headers: { h: 'v' },
      ackPolicy: 'all',
      correlationId: 'mine',
    });
    expect(receipt).to.deep.include({
      stream: name,
      subject,
      partitionSubject: subject,
      offset: 0n,
      correlationId: 'mine',
      ackPolicy: 'all',
    });
    expect(Math.abs(Number(receipt!.receptionTimestamp! / 1_000_000n) - Date.now())).to.be.below(60_000);
    expect(receipt!.commitTimestamp! >= receipt!.receptionTimestamp!).to.equal(true);
    const [message] = await read(name);
    expect(Buffer.from(message!.value)).to.deep.equal(hi);
    expect(Buffer.from(message!.key!).toString()).to.equal('k');
    expect(Buffer.from(message!.headers.get('h') as Uint8Array).toString()).to.equal('v');
  });

  it('publishes to all that are bound to it, and gives the first ack', async () => {
    const subject = unique('many');
    const names = [unique('one'), unique('two')];
    for (const name of names) await broker.createStream({ name, subject });
    const receipt = await broker.publishToSubject(subject, hi);
    expect(receipt!.stream).to.be.oneOf(names);
    expect(await broker.publishToSubject(subject, hi, { ackPolicy: 'none' })).to.equal(undefined);
    await broker.publishToSubject(subject, hi);
    for (const name of names) expect(await read(name)).to.have.length(3);
  });

  it('is uncertain where no stream is bound to it', async () => {
    const error = await failure(broker.publishToSubject(unique('nobody'), hi, { ackTimeout: 200 }));
    expect(error).to.have.property('code', 'PUBLISH_UNCERTAIN');
    expect(error.message).to.contain('200 ms').and.contain('Is a stream bound to that subject');
    expect(await broker.publishToSubject(unique('nobody'), hi, { ackPolicy: 'none' })).to.equal(undefined);
  });

  it('is told what the stream refuses', async () => {
    const name = unique('stream');
    await broker.createStream({ name, optimisticConcurrencyControl: true });
    expect(await broker.publishToSubject(name, hi)).to.deep.include({ offset: 0n });
    // a message on a subject expects the offset 0
    const error = await failure(broker.publishToSubject(name, hi));
    expect(error).to.have.property('code', 'OFFSET_MISMATCH');
    expect(error.message).to.contain(`the NATS subject '${name}'`);
  });

  it('is refused what is too large', async () => {
    const name = unique('stream');
    await broker.createStream({ name });
    for (const size of [1_200_000, 3_000_000, 5_000_000]) {
      const error = await failure(broker.publishToSubject(name, new Uint8Array(size)));
      expect(error.code, `${size}: ${error.message}`).to.equal('FRAME_TOO_LARGE');
    }
    expect(await broker.publishToSubject(name, hi)).to.deep.include({ offset: 0n });
  });

  it('gives up waiting when it is told to', async () => {
    const aborter = new AbortController();
    const waiting = failure(broker.publishToSubject(unique('nobody'), hi, { signal: aborter.signal }));
    setImmediate(() => {
      aborter.abort(new Error('enough'));
    });
    expect((await waiting).message).to.equal('enough');
  });

  it('refuses what no server is to be asked', async () => {
    const bad: [string, unknown, object, string][] = [
      ['', hi, {}, 'subject must be'],
      ['a b', hi, {}, 'white space'],
      ['a..b', hi, {}, 'two in a row'],
      ['a.*', hi, {}, 'wildcard'],
      ['>', hi, {}, 'wildcard'],
      ['a', 'hi', {}, 'value must be a Uint8Array'],
      ['a', hi, { ackPolicy: 'some' }, 'ackPolicy must be'],
      ['a', hi, { headers: { reply: 'x' } }, "the name 'reply'"],
      ['a', hi, { expectedOffset: 1 }, "no option 'expectedOffset'"],
      ['a', hi, { ackTimeout: 0 }, 'ackTimeout must be'],
    ];
    for (const [subject, value, options, problem] of bad) {
      const error = await failure(broker.publishToSubject(subject, value as Uint8Array, options));
      expect(error).to.be.instanceOf(InvalidOptionError);
      expect(error.message).to.contain(problem);
    }
  });
});

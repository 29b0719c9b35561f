import { expect } from 'chai';
import { startLiftbridge, type LiftbridgeServer } from '../brokers/index.js';
import { unique } from '../names.js';
import { gufoLiftbridge, GufoLiftbridge, type GufoOutgoing } from './gufo-liftbridge.js';

describe('support/peers/gufo-liftbridge', () => {
  let server: LiftbridgeServer;
  let peer: GufoLiftbridge;

  before(async () => {
    await gufoLiftbridge();
    server = await startLiftbridge();
    peer = await GufoLiftbridge.start(server.url);
  });

  after(async () => {
    await peer?.stop();
    await server?.stop();
  });

  const messages: readonly GufoOutgoing[] = [
    { value: Uint8Array.of(0, 255), key: Uint8Array.of(254), headers: { a: Uint8Array.of(253), b: Uint8Array.of() } },
    { value: Uint8Array.of() },
  ];

  it('publishes keys, values and headers, and gives them back', async () => {
    const stream = unique('stream');
    await peer.createStream(stream, { subject: `${stream}.subject` });
    await peer.publish(stream, messages);
    expect(await peer.publishBulk(stream, messages, { ack: 'all' })).to.deep.equal([2n, 3n]);
    const got = await peer.subscribe(stream, { count: 4 });
    expect(got.map(({ offset }) => offset)).to.deep.equal([0n, 1n, 2n, 3n]);
    expect(got[0]?.timestamp).to.be.a('bigint');
    for (const first of [got[0], got[2]]) {
      expect(first).to.deep.include({ value: Uint8Array.of(0, 255), key: Uint8Array.of(254), partition: 0 });
      expect(first?.headers).to.deep.include({ a: Uint8Array.of(253), b: Uint8Array.of() });
    }
    expect(got[1]).to.deep.include({ value: Uint8Array.of(), key: Uint8Array.of() });
  });

  it('publishes to a partition, and starts at an offset and at the last message', async () => {
    const stream = unique('stream');
    await peer.createStream(stream, { partitions: 2 });
    const numbered = Array.from({ length: 500 }, (_, index) => ({ value: Uint8Array.of(index % 256) }));
    await peer.publishBulk(stream, numbered, { partition: 1 });
    const middle = await peer.subscribe(stream, { count: 2, start: 300, partition: 1 });
    expect(middle.map(({ offset, value }) => [offset, value[0]])).to.deep.equal([
      [300n, 44],
      [301n, 45],
    ]);
    const [last] = await peer.subscribe(stream, { count: 1, start: 'latest', partition: 1 });
    expect(last).to.include({ offset: 499n, partition: 1 });
  });

  it('rejects with what the peer said', async () => {
    const error = await peer.publish('nowhere', messages).catch((reason: unknown) => reason);
    expect(error)
      .to.have.property('message')
      .that.matches(/^The Python peer \(gufo-liftbridge\) failed: ErrorNotFound/);
  });
});

import { expect } from 'chai';
import { startNatsStreaming, type NatsStreamingServer } from '../brokers/index.js';
import { channelName, clientName } from '../names.js';
import { publish, pythonStan, subscribe } from './python-stan.js';

describe('support/peers/python-stan', () => {
  let server: NatsStreamingServer;

  before(async () => {
    await pythonStan();
    server = await startNatsStreaming();
  });

  after(() => server.stop());

  const numbered = (count: number): Uint8Array[] => Array.from({ length: count }, (_, index) => Uint8Array.of(index));

  it('publishes bytes in order, and gives them back', async () => {
    const channel = channelName();
    const sent = [Uint8Array.of(), ...numbered(20), new Uint8Array(5000).fill(0xfe)];
    expect(await publish({ server, channel }, sent)).to.equal(22);
    const got = await subscribe({ server, channel, count: 22, start: 'first' }).messages;
    expect(got.map(({ data }) => data)).to.deep.equal(sent);
    expect(got.map(({ sequence }) => Number(sequence))).to.deep.equal(sent.map((_, index) => index + 1));
  });

  it('resumes a durable where it stood, with what it had not acknowledged', async () => {
    const channel = channelName();
    const session = { server, channel, client: clientName(), durable: 'd', start: 'first' } as const;
    await publish({ server, channel }, numbered(6));
    await subscribe({ ...session, count: 2 }).messages;
    const rest = await subscribe({ ...session, count: 4 }).messages;
    expect(rest.map(({ data }) => data[0])).to.deep.equal([2, 3, 4, 5]);
  });

  it('sees what is published once it is ready', async () => {
    const channel = channelName();
    const { ready, messages } = subscribe({ server, channel, count: 1, queue: 'q', acks: 'none' });
    await ready;
    await publish({ server, channel }, [Uint8Array.of(7)]);
    expect(await messages).to.deep.equal([{ sequence: 1n, data: Uint8Array.of(7), redelivered: false }]);
  });

  it('starts at a sequence, and at the last message', async () => {
    const channel = channelName();
    await publish({ server, channel }, numbered(5));
    const [middle] = await subscribe({ server, channel, count: 1, start: 3n }).messages;
    const [last] = await subscribe({ server, channel, count: 1, start: 'last' }).messages;
    expect([middle?.sequence, last?.sequence]).to.deep.equal([3n, 5n]);
  });

  it('rejects with what the peer said', async () => {
    const elsewhere = { url: server.url, cluster: 'unknown' };
    const error = await publish({ server: elsewhere, channel: 'a', timeout: 500 }, []).catch(
      (reason: unknown) => reason,
    );
    expect(error).to.be.an('error');
    expect((error as Error).message).to.match(/^The Python peer \(publish.py\) ended with code 1: .*unknown/s);
  });
});

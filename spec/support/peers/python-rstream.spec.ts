import { expect } from 'chai';
import { rabbitmqStream } from '../../../lib/rabbitmq-stream/index.js';
import { startRabbitMq, type RabbitMqServer } from '../brokers/index.js';
import { leftovers } from '../guard.js';
import { unique } from '../names.js';
import { pythonRstream, Rstream } from './python-rstream.js';
import { textOf, type RstreamOutgoing, type RstreamValue } from './python-rstream-values.js';

describe('support/peers/python-rstream', function () {
  this.timeout(60_000);
  let server: RabbitMqServer;
  let peer: Rstream;

  before(async () => {
    await pythonRstream();
    server = await startRabbitMq();
    peer = await Rstream.start(server);
  });

  after(async () => {
    await peer?.stop();
    await server?.stop();
  });

  const made = async (): Promise<string> => {
    const stream = unique('stream');
    const broker = rabbitmqStream({ url: server.url });
    await broker.createStream(stream);
    await broker.close();
    return stream;
  };
  const error = (promise: Promise<unknown>): Promise<unknown> => promise.catch((reason: unknown) => reason);

  it('publishes values of all kinds, and gives them back', async () => {
    const stream = await made();
    const values: RstreamValue[] = [
      [null, true, false, 0, -1, 1.5, 2n ** 62n, 'ü', Uint8Array.of(0, 255), [], new Map([['a', [1]]])],
      [{ uuid: '0f0e0d0c-0b0a-0908-0706-050403020100' }],
    ];
    const fields = { message_id: 'a', creation_time: 5 };
    const messages: RstreamOutgoing[] = values.map((value) => ({
      value,
      properties: fields,
      annotations: { 'x-a': 1 },
    }));
    await peer.publish(stream, [...messages, { raw: Uint8Array.of(1) }]);
    const [first, second, third] = await peer.read(stream, { count: 3 }).messages;
    expect(textOf(first?.value)).to.deep.equal((values[0] as RstreamValue[]).map(textOf));
    expect(second?.value).to.deep.equal(values[1]);
    expect(textOf(first?.properties?.['message_id'])).to.equal('a');
    expect(first?.properties?.['creation_time']).to.equal(5);
    expect(first?.annotations).to.deep.equal({ 'x-a': 1 });
    expect(third?.error).to.match(/Error/);
    const [raw] = await peer.read(stream, { count: 1, start: 2, amqp: false }).messages;
    expect(raw).to.deep.equal({ offset: 2n, raw: Uint8Array.of(1) });
  });

  it('goes on behind what it has stored', async () => {
    const stream = await made();
    const messages = Array.from({ length: 6 }, (_, i) => ({ raw: Uint8Array.of(i) }));
    await peer.publishSubEntries(stream, [{ compression: 'Gzip', messages }]);
    const reading = { amqp: false, name: 'reader', resume: true } as const;
    const first = await peer.read(stream, { ...reading, count: 2 }).messages;
    expect(await peer.queryOffset(stream, 'reader')).to.equal(1n);
    const rest = await peer.read(stream, { ...reading, count: 4 }).messages;
    expect([...first, ...rest].map(({ raw }) => (raw as Uint8Array)[0])).to.deep.equal([0, 1, 2, 3, 4, 5]);
  });

  it('sees what is published once it is ready', async () => {
    const stream = await made();
    const { ready, messages } = peer.read(stream, { count: 1, start: 'next', amqp: false });
    await ready;
    await peer.publish(stream, [{ raw: Uint8Array.of(7) }]);
    expect(await messages).to.deep.equal([{ offset: 0n, raw: Uint8Array.of(7) }]);
  });

  it('rejects with what the peer said', async () => {
    const failure = await error(peer.publish('no-such-stream', [{ raw: Uint8Array.of(1) }]));
    expect(failure).to.be.an('error');
    expect((failure as Error).message).to.match(/^The Python peer \(rstream\) failed: StreamDoesNotExist/);
  });

  it('leaves no process when it is killed, and rejects what it was asked', async () => {
    const before = leftovers().processes;
    const other = await Rstream.start(server);
    const reader = other.read(await made(), { count: 1 });
    await reader.ready;
    const failure = error(reader.messages);
    await other.kill();
    expect(await failure)
      .to.be.an('error')
      .with.property('message')
      .that.includes('ended with SIGKILL');
    expect(leftovers().processes).to.deep.equal(before);
  });
});

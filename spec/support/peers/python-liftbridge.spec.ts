import { expect } from 'chai';
import { startLiftbridge, type LiftbridgeServer } from '../brokers/index.js';
import { leftovers } from '../guard.js';
import { unique } from '../names.js';
import { pythonLiftbridge, PythonLiftbridge } from './python-liftbridge.js';

describe('support/peers/python-liftbridge', () => {
  let server: LiftbridgeServer;
  let peer: PythonLiftbridge;

  before(async () => {
    await pythonLiftbridge();
    server = await startLiftbridge();
    peer = await PythonLiftbridge.start(server);
  });

  after(async () => {
    await peer?.stop();
    await server?.stop();
  });

  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  const error = (promise: Promise<unknown>): Promise<unknown> => promise.catch((reason: unknown) => reason);

  it('publishes keys and values, and gives them back', async () => {
    const stream = unique('stream');
    await peer.createStream(stream, { subject: `${stream}.subject` });
    await peer.publish(stream, [{ value: 'one', key: 'a' }, { value: 'zwölf' }, { value: '', key: 'b' }]);
    const got = await peer.subscribe(stream, { count: 3 }).messages;
    expect(got.map(({ offset, key, value }) => [offset, text(key), text(value)])).to.deep.equal([
      [0n, 'a', 'one'],
      [1n, '', 'zwölf'],
      [2n, 'b', ''],
    ]);
    expect(got[0]?.subject).to.equal(`${stream}.subject`);
    expect(Number(got[0]?.timestamp)).to.be.within(Date.now() * 1e6 - 60e9, Date.now() * 1e6 + 60e9);
    const [second] = await peer.subscribe(stream, { count: 1, start: 1 }).messages;
    expect(second?.offset).to.equal(1n);
  });

  it('sees what is published once it is ready', async () => {
    const stream = unique('stream');
    await peer.createStream(stream);
    const { ready, messages } = peer.subscribe(stream, { count: 1, start: 'new' });
    await ready;
    await peer.publish(stream, [{ value: 'x' }]);
    expect((await messages).map(({ value }) => text(value))).to.deep.equal(['x']);
  });

  it('rejects with what the peer said, also where the client fails to say it', async () => {
    const stream = unique('stream');
    await peer.createStream(stream);
    expect(await error(peer.createStream(stream)))
      .to.have.property('message')
      .that.includes('ErrStreamExists');
    expect(await error(peer.publish('nowhere', [{ value: 'x' }])))
      .to.have.property('message')
      .that.includes('ErrNoSuch');
    const unsaid = await error(peer.createStream(unique('stream'), { subject: '' }));
    expect(unsaid).to.have.property('message').that.includes('INVALID_ARGUMENT');
  });

  it('speaks TLS', async () => {
    const secure = await startLiftbridge({ tls: true });
    const other = await PythonLiftbridge.start(secure);
    await other.createStream('a');
    await other.publish('a', [{ value: 'x' }]);
    expect(await other.subscribe('a', { count: 1 }).messages).to.have.lengthOf(1);
    await other.stop();
    await secure.stop();
  });

  it('leaves no process when it is stopped in the middle of something', async () => {
    const before = leftovers().processes;
    const stream = unique('stream');
    await peer.createStream(stream);
    const other = await PythonLiftbridge.start(server);
    const { ready, messages } = other.subscribe(stream, { count: 1 });
    const failure = error(messages);
    await ready;
    await other.stop();
    expect(await failure)
      .to.have.property('message')
      .that.includes('ended with code 0');
    expect(leftovers().processes).to.deep.equal(before);
  });
});

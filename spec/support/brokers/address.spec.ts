import { expect } from 'chai';
import { addressFrom } from './address.js';
import { startNatsStreaming } from './nats-streaming.js';

describe('support/brokers/address', () => {
  const variable = 'RX_WEIR_NATS_STREAMING';
  const previous = process.env[variable];

  afterEach(() => {
    if (previous === undefined) {
      delete process.env[variable];
    } else {
      process.env[variable] = previous;
    }
  });

  for (const [text, host, port, path] of [
    ['broker:4222', 'broker', 4222, ''],
    ['10.0.0.1:1/my-cluster', '10.0.0.1', 1, 'my-cluster'],
    ['nats://[::1]:4222/c', '[::1]', 4222, 'c'],
  ] as const) {
    it(`reads ${text}`, () => {
      process.env[variable] = text;
      expect(addressFrom(variable)).to.deep.equal({ host, port, path });
    });
  }

  it('reads a user and a password', () => {
    process.env[variable] = 'rabbitmq-stream://ann:p%40w@broker:5552/a%2Fb';
    const login = { username: 'ann', password: 'p@w' };
    expect(addressFrom(variable)).to.deep.equal({ host: 'broker', port: 5552, path: 'a/b', ...login });
  });

  it('takes an empty variable for none, and refuses what is no address', () => {
    process.env[variable] = ' ';
    expect(addressFrom(variable)).to.equal(undefined);
    process.env[variable] = 'broker';
    expect(() => addressFrom(variable)).to.throw(`${variable} is "broker"; it must be host:port`);
  });

  it('serves those who ask for nothing special, and cannot be controlled', async () => {
    process.env[variable] = '127.0.0.1:4999/theirs';
    const server = await startNatsStreaming();
    expect(server).to.include({ kind: 'address', url: 'nats://127.0.0.1:4999', cluster: 'theirs' });
    for (const refused of [server.kill(), server.restart(), server.monitor('/varz')]) {
      expect(await refused.catch((reason: unknown) => reason)).to.be.an('error');
    }
    await server.stop();
  });

  it('gives way to a server of our own where a spec asks for more', async () => {
    process.env[variable] = '127.0.0.1:4999/theirs';
    const server = await startNatsStreaming({ needs: 'control' });
    expect(server.kind).not.to.equal('address');
    expect(server.cluster).to.equal('weir');
    await server.stop();
  });
});

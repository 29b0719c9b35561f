import { expect } from 'chai';
import { BrokerTimeoutError, ConnectionError } from '../../../lib/core/errors.js';
import type { Address, RabbitMqStreamOptions } from '../../../lib/rabbitmq-stream/options.js';
import { failureOf, node, refused, Watched } from './session-kit.js';
import { settled } from '../../support/manual-clock.js';

describe('reaching a node of RabbitMQ Streams', () => {
  let watched: Watched;
  const nodes = [node('n0'), node('n1'), node('n2')];
  /** The nodes that connections to the balancer have reached. */
  let turn: number;

  const start = async (options: RabbitMqStreamOptions): Promise<Watched> => {
    watched = new Watched(options);
    turn = 0;
    const { cluster } = watched;
    for (const [index, leader] of nodes.entries()) {
      cluster.streams.set(`s${index}`, { leader, replicas: nodes.filter((each) => each !== leader) });
      cluster.streams.set(`only${index}`, { leader });
      // the nodes' own addresses lead nowhere from here
      cluster.refuse(`${leader.host}:5552`);
    }
    cluster.doors.set('balancer:5552', () => nodes[turn++ % nodes.length] as Address);
    return watched;
  };
  /** Resolves as the promise does, while time passes. */
  const passing = async <T>(promise: Promise<T>, ms = 30_000): Promise<T> => {
    await watched.clock.pass(ms);
    return promise;
  };
  afterEach(() => watched.close());

  describe('through a load balancer', () => {
    it('connects until the leader answers, and closes the others', async () => {
      const { session, cluster } = await (await start({ host: 'balancer', loadBalancer: true })).started();
      turn = 0;
      const link = await passing(session.producerLink('s2'), 1000);
      expect(link.connection.advertised).to.deep.equal(node('n2'));
      const tried = cluster.links.filter(({ name }) => name === 'rx-weir-producer-1');
      expect(tried.map(({ node: { host } }) => host)).to.deep.equal(['n0', 'n1', 'n2']);
      expect(tried.map(({ ended }) => ended)).to.deep.equal([
        ['another node is wanted'],
        ['another node is wanted'],
        [],
      ]);
      expect(cluster.dialed.every((address) => address === 'balancer:5552')).to.equal(true);
    });

    it('waits a little between connections', async () => {
      const { session, cluster, clock } = await (await start({ host: 'balancer', loadBalancer: true })).started();
      turn = 0;
      const dialed = cluster.dialed.length;
      const linking = session.producerLink('s2');
      await settled();
      expect(cluster.dialed).to.have.length(dialed + 1);
      await clock.pass(1000);
      await linking;
    });

    it('takes any node that holds the stream for a subscription', async () => {
      const { session, cluster } = await (await start({ host: 'balancer', loadBalancer: true })).started();
      const dialed = cluster.dialed.length;
      for (let round = 0; round < 5; round++) await session.consumerLink('s0');
      expect(cluster.dialed).to.have.length(dialed + 1);
    });

    it('compares names of hosts without regard to case', async () => {
      const { session, cluster } = await (await start({ host: 'balancer', loadBalancer: true })).started();
      cluster.streams.set('loud', { leader: node('N1') });
      turn = 1;
      expect((await session.producerLink('loud')).connection.advertised).to.deep.equal(node('n1'));
    });

    it('shares what was reached for another stream of the same node', async () => {
      const { session } = await (await start({ host: 'balancer', loadBalancer: true })).started();
      const one = await passing(session.producerLink('s1'), 500);
      expect(await session.producerLink('only1')).to.equal(one);
    });

    it('gives up after some connections, and says what it reached', async () => {
      const { session, cluster } = await (await start({ host: 'balancer', loadBalancer: true })).started();
      cluster.doors.set('balancer:5552', () => nodes[turn++ % 2] as Address);
      const dialed = cluster.dialed.length;
      const error = await passing(failureOf(session.producerLink('s2')));
      expect(cluster.dialed).to.have.length(dialed + 20);
      expect(error).to.deep.include({ code: 'CONNECTION', retriable: true });
      expect(error.message).to.match(
        /^the load balancer did not lead to n2:5552 in 20 connections, but to n[01]:5552, n[01]:5552;/,
      );
      expect(cluster.named(/producer/)).to.have.length(0);
    });

    it('tries more often where there are many nodes', async () => {
      const { session, cluster } = await (await start({ host: 'balancer', loadBalancer: true })).started();
      const replicas = ['r1', 'r2', 'r3', 'r4', 'r5'].map((host) => node(host));
      cluster.streams.set('many', { leader: node('l'), replicas });
      const dialed = cluster.dialed.length;
      await passing(failureOf(session.consumerLink('many')), 60_000);
      expect(cluster.dialed).to.have.length(dialed + 64);
    });

    it('leaves it to who asks to try again when the balancer does not answer', async () => {
      const { session, cluster } = await (await start({ host: 'balancer', loadBalancer: true })).started();
      cluster.refuse('balancer:5552');
      const dialed = cluster.dialed.length;
      expect((await failureOf(session.producerLink('s2'))).message).to.match(/nobody listens at balancer/);
      expect(cluster.dialed).to.have.length(dialed + 1);
    });

    it('tries another balancer when one does not answer', async () => {
      const { session, cluster } = await (await start({ host: ['balancer', 'second'], loadBalancer: true })).started();
      cluster.refuse('balancer:5552');
      cluster.doors.set('second:5552', () => node('n2'));
      expect((await passing(session.producerLink('s2'), 1000)).connection.remote.host).to.equal('second');
    });
  });

  describe('through resolveAddress', () => {
    it('connects to the address that is given for the node', async () => {
      const asked: string[] = [];
      const resolveAddress = (host: string, port: number): Address => {
        asked.push(`${host}:${port}`);
        return { host: 'outside', port: 1000 + Number(host.slice(1)) };
      };
      await start({ host: 'balancer', resolveAddress });
      const { session, cluster } = watched;
      for (const [index, each] of nodes.entries()) cluster.doors.set(`outside:${1000 + index}`, () => each);
      await watched.started();
      expect(asked).to.deep.equal([]);
      const link = await session.producerLink('s2');
      expect(asked).to.deep.equal(['n2:5552']);
      expect(link.connection.remote).to.deep.equal({ host: 'outside', port: 1002 });
    });

    it('connects until the node answers, where it gives the address of a balancer', async () => {
      await start({ host: 'balancer', resolveAddress: () => Promise.resolve(node('balancer')) });
      const { session } = await watched.started();
      turn = 0;
      expect((await passing(session.producerLink('s1'), 1000)).connection.advertised).to.deep.equal(node('n1'));
    });

    it('goes on to another node where one does not answer', async () => {
      await start({ host: 'balancer', resolveAddress: (host) => node(`for-${host}`) });
      const { session, cluster } = await watched.started();
      cluster.refuse('for-n0:5552');
      cluster.refuse('for-n1:5552');
      cluster.doors.set('for-n2:5552', () => node('n2'));
      expect((await session.consumerLink('s0')).connection.remote.host).to.equal('for-n2');
    });

    it('says so where it fails, or gives nonsense', async () => {
      const answers: unknown[] = [undefined, { host: '', port: 1 }, { host: 'x', port: 65_536 }, { host: 'x' }, 'x:1'];
      let answer: () => unknown = () => {
        throw new TypeError('no such entry');
      };
      await start({ host: 'balancer', resolveAddress: () => answer() as Address });
      const { session } = await watched.started();
      const error = await failureOf(session.producerLink('s1'));
      expect(error).to.deep.include({ code: 'CONNECTION', retriable: true });
      expect(error.message).to.equal('the function resolveAddress failed for n1:5552');
      expect(error.cause).to.be.instanceOf(TypeError);
      for (const each of answers) {
        answer = () => each;
        const refusal = await failureOf(session.producerLink('s1'));
        expect(refusal).to.deep.include({ code: 'INVALID_OPTION', retriable: false });
        expect(refusal.message).to.match(/resolveAddress must return an object with host/);
      }
    });
  });

  describe('by its own address', () => {
    it('explains what to do where a node cannot be reached that a seed has named', async () => {
      const { session, cluster } = await (await start({ host: 'balancer' })).started();
      const error = await failureOf(session.producerLink('s1'));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error).to.deep.include({ retriable: true });
      expect(error.message).to.equal(
        'nobody listens at n1:5552. RabbitMQ gives n1:5552 as the address of the node that has the stream; if it cannot be ' +
          'reached from here, set advertised_host and advertised_port in its configuration, or give resolveAddress or ' +
          'loadBalancer to the handle',
      );
      expect(error.cause).to.have.property('message', 'nobody listens at n1:5552');
      cluster.refuse('n1:5552', new BrokerTimeoutError('no answer'));
      expect((await failureOf(session.producerLink('s1'))).message).to.match(/no answer\. RabbitMQ gives/);
    });

    it('does not where the trouble is another one', async () => {
      const { session, cluster } = await (await start({ host: ['balancer', 'n1'] })).started();
      expect((await failureOf(session.producerLink('s1'))).message).to.equal('nobody listens at n1:5552');
      const badCertificate = new ConnectionError('bad certificate', { retriable: false });
      cluster.refuse('n2:5552', badCertificate);
      expect(await failureOf(session.producerLink('s2'))).to.equal(badCertificate);
      expect(refused('x')).to.have.property('retriable', true);
    });

    it('does not ask which node answers', async () => {
      const { session, cluster } = await (await start({ host: 'balancer' })).started();
      cluster.doors.set('n1:5552', () => node('somebody-else'));
      expect((await session.producerLink('s1')).connection.remote).to.deep.equal(node('n1'));
    });
  });
});

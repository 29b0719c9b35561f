import { expect } from 'chai';
import { ConnectionError } from '../../../lib/core/errors.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { encodeCredit } from '../../../lib/rabbitmq-stream/codec/credit.js';
import { encodeHeartbeat } from '../../../lib/rabbitmq-stream/codec/requests.js';
import type { Connection } from '../../../lib/rabbitmq-stream/connection/connection.js';
import { Heartbeats } from '../../../lib/rabbitmq-stream/connection/heartbeats.js';
import { FakeRabbitMq, type FakeConnection } from '../../support/fake-rabbitmq.js';
import { until } from '../../support/wait.js';
import { FiredClock } from '../../support/fired-clock.js';
import { closeAll, connect, type Heard } from './connection-kit.js';

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('rabbitmq-stream connection: heartbeats', () => {
  describe('as they are counted, at four looks an interval', () => {
    let clock: FiredClock;
    let told: string[];
    let heartbeats: Heartbeats;

    const look = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        clock.fire(250);
        await immediate();
      }
    };

    beforeEach(() => {
      clock = new FiredClock();
      told = [];
      heartbeats = new Heartbeats(clock, 1000, {
        beat: () => {
          told.push('beat');
          heartbeats.wrote();
        },
        dead: () => {
          told.push('dead');
          heartbeats.stop();
        },
      });
    });

    it('go out when nothing was written for nearly an interval', async () => {
      await look(2);
      expect(told).to.deep.equal([]);
      heartbeats.wrote();
      await look(2);
      expect(told).to.deep.equal([]);
      await look(1);
      expect(told).to.deep.equal(['beat']);
      heartbeats.read();
      await look(3);
      expect(told).to.deep.equal(['beat', 'beat']);
    });

    it('are missed when nothing was read for two intervals', async () => {
      await look(8);
      expect(told).to.not.include('dead');
      await look(1);
      expect(told.at(-1)).to.equal('dead');
      expect(clock.timers.size).to.equal(0);
      await look(8);
      expect(told.filter((each) => each === 'dead')).to.have.length(1);
    });

    it('are made good by anything that was read', async () => {
      await look(8);
      heartbeats.read();
      await look(8);
      expect(told).to.not.include('dead');
    });

    it('are made good by what was read right after the last look, as in a process that was busy', async () => {
      await look(8);
      clock.fire();
      heartbeats.read();
      await immediate();
      expect(told).to.not.include('dead');
      await look(9);
      expect(told).to.include('dead');
    });

    it('end with stop, also between the last look and its outcome', async () => {
      await look(8);
      clock.fire();
      heartbeats.stop();
      await immediate();
      expect(told).to.not.include('dead');
      expect(clock.timers.size).to.equal(0);
    });

    it('are none at an interval of 0', () => {
      const none = new FiredClock();
      new Heartbeats(none, 0, { beat: () => undefined, dead: () => undefined }).stop();
      expect(none.timers.size).to.equal(0);
    });
  });

  describe('of a connection', () => {
    let fake: FakeRabbitMq;
    let clock: FiredClock;
    let connection: Connection;
    let heard: Heard;
    let server: FakeConnection;

    beforeEach(async () => {
      clock = new FiredClock();
      fake = await FakeRabbitMq.start({ heartbeat: 2 });
      ({ connection, heard } = await connect(fake, { clock }));
      server = await fake.connection();
    });
    afterEach(async () => {
      await closeAll();
      await fake.stop();
    });

    const look = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        clock.fire(500);
        await immediate();
      }
    };

    it('begin after the handshake, at the interval that was agreed on', async () => {
      expect([...clock.timers].map(({ ms }) => ms)).to.deep.equal([500]);
      await look(3);
      expect((await server.frame(keys.heartbeat)).bytes.toString('hex')).to.equal('0000000400170001');
      expect(server.frames.findIndex(({ key }) => key === keys.heartbeat)).to.be.above(
        server.frames.findIndex(({ key }) => key === keys.open),
      );
    });

    it('do not go out while other frames do', async () => {
      for (let i = 0; i < 6; i++) {
        connection.send(encodeCredit(1, 1));
        await look(1);
      }
      await server.frame(keys.credit, 6);
      expect(server.framesOf(keys.heartbeat)).to.have.length(0);
    });

    it('that do not come make it a dead connection, which is dropped', async () => {
      await look(9);
      const error = await heard.end();
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.equal(
        `the connection to RabbitMQ at 127.0.0.1:${fake.port} is dead: nothing came for two heartbeats of 2 s`,
      );
      expect(error.retriable).to.equal(true);
      expect(clock.timers.size).to.equal(0);
      await server.ended();
      expect(heard.lines).to.deep.equal(['closed: ConnectionError']);
    });

    it('that come keep it alive', async () => {
      for (let i = 0; i < 3; i++) {
        await look(8);
        const before = heard.flushes;
        server.raw(encodeHeartbeat());
        await until(() => heard.flushes > before, { every: 2 });
      }
      expect(connection.closed).to.equal(false);
    });
  });
});

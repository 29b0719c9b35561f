import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { systemClock } from '../../../lib/core/clock.js';
import { silent } from '../../../lib/core/logger.js';
import type { WeirError } from '../../../lib/core/errors.js';
import { makeAuth } from '../../../lib/lonelyps/auth/make-auth.js';
import { MemoryBody, type Body } from '../../../lib/lonelyps/body.js';
import type { Connection } from '../../../lib/lonelyps/connection/connection.js';
import type { Arrival } from '../../../lib/lonelyps/connection/http.js';
import { openConnection } from '../../../lib/lonelyps/connection/open-connection.js';
import type { ConnectionOptions } from '../../../lib/lonelyps/connection/parts.js';
import { browserPlatform } from '../../../lib/lonelyps/browser/platform.js';
import { nodePlatform } from '../../../lib/lonelyps/node/platform.js';
import type { Platform } from '../../../lib/lonelyps/platform.js';
import { startLonelypss } from '../../support/brokers/lonelypss.js';
import type { LonelypssServer } from '../../support/brokers/lonelypss-server.js';
import { until } from '../../support/wait.js';
import { exact, glob, text, defaults } from './connection-kit.js';

/** A connection to a real broadcaster, and what it tells. */
class Link {
  readonly arrivals: Arrival[] = [];
  readonly faults: WeirError[] = [];
  readonly losses: WeirError[] = [];
  connection!: Connection;

  /** @param taken - for how many subscribers each message is accepted at once; null: it is left */
  static async open(
    server: LonelypssServer,
    options: Partial<ConnectionOptions> = {},
    taken: number | null = 1,
    platform: Platform = nodePlatform,
  ): Promise<Link> {
    const link = new Link();
    link.connection = await openConnection({
      platform,
      url: `${server.socketUrl}/v1/websocket`,
      auth: makeAuth(server.auth, { ...nodePlatform, hashing: nodePlatform.hashing, now: () => Date.now() }),
      options: { ...defaults, ...options },
      clock: systemClock,
      log: silent,
      handlers: {
        arrived: (arrival) => {
          link.arrivals.push(arrival);
          if (taken !== null) arrival.accept(taken);
        },
        missed: () => undefined,
        drained: () => undefined,
        lost: (error) => link.losses.push(error),
        fault: (error) => link.faults.push(error),
      },
    });
    return link;
  }

  change(subscribe: boolean, pattern: Parameters<Connection['change']>[1]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.connection.change(subscribe, pattern, (error) => (error ? reject(error) : resolve()));
    });
  }

  notify(topic: string, bytes: Uint8Array, body: Body = bodyOf(bytes)): Promise<number> {
    return new Promise((resolve, reject) => {
      this.connection.notify(text(topic), body, {
        confirmed: (_id, notified) => resolve(notified),
        refused: reject,
        lost: reject,
      });
    });
  }
}

function bodyOf(bytes: Uint8Array): MemoryBody {
  return new MemoryBody(bytes, createHash('sha512').update(bytes).digest());
}

const kinds = ['none', 'token', 'hmac'] as const;

describe('lonelyps connection: to a real broadcaster', () => {
  for (const kind of kinds) {
    describe(`with authorization ${kind}`, () => {
      let server: LonelypssServer;
      before(async () => {
        server = await startLonelypss({ auth: kind, maxFrameBytes: 70_000 });
      });
      after(() => server.stop());

      it('subscribes, notifies, receives and unsubscribes', async () => {
        const link = await Link.open(server);
        await Promise.all([link.change(true, exact('a/b')), link.change(true, glob('g/*'))]);
        expect(await link.notify('a/b', text('one'))).to.equal(1);
        expect(await link.notify('g/x', text(''))).to.equal(1);
        expect(await link.notify('elsewhere', text('nobody'))).to.equal(0);
        await until(() => link.arrivals.length === 2);
        expect(link.arrivals.map(({ topic, body }) => [Buffer.from(topic).toString(), body.length])).to.deep.equal([
          ['a/b', 3],
          ['g/x', 0],
        ]);
        await Promise.all([link.change(false, exact('a/b')), link.change(false, glob('g/*'))]);
        expect(await link.notify('a/b', text('two'))).to.equal(0);
        await link.connection.close(5_000);
        expect([...link.faults, ...link.losses]).to.be.empty;
      });

      it('sends and receives in parts, many at a time', async () => {
        const link = await Link.open(server, { maxFrameBytes: 10_000, spoolSize: 100_000 });
        await link.change(true, exact('large'));
        const bodies = [
          randomBytes(9_950),
          randomBytes(69_900),
          randomBytes(300_000),
          randomBytes(1_000_000),
          Buffer.alloc(0),
        ];
        const counts = await Promise.all(bodies.map((bytes) => link.notify('large', bytes)));
        expect(counts).to.deep.equal([1, 1, 1, 1, 1]);
        await until(() => link.arrivals.length === bodies.length);
        for (const [at, bytes] of bodies.entries()) {
          const { body } = link.arrivals[at]!;
          expect(Buffer.compare(await body.load(), bytes), `body ${at}`).to.equal(0);
          body.discard();
        }
        await link.connection.close(5_000);
        expect([...link.faults, ...link.losses]).to.be.empty;
      });

      it('works over the WebSocket of a page', async () => {
        const link = await Link.open(server, { maxFrameBytes: 10_000 }, 1, browserPlatform({ WebSocket }));
        await link.change(true, exact('page'));
        const bytes = randomBytes(100_000);
        expect(await link.notify('page', bytes)).to.equal(1);
        await until(() => link.arrivals.length === 1);
        expect(Buffer.compare(link.arrivals[0]!.body.bytes!, bytes)).to.equal(0);
        await link.connection.close(5_000);
        expect([...link.faults, ...link.losses]).to.be.empty;
      });

      it('compresses with zstd both ways', async () => {
        const compression = { required: true, dictionaries: new Map<number, Uint8Array>(), initial: 0, training: true };
        const link = await Link.open(server, { compression, maxFrameBytes: 100_000 });
        const plain = await Link.open(server, { compression: undefined });
        const long = 'z'.repeat(600);
        for (const topic of ['z', long]) {
          await Promise.all([link.change(true, exact(topic)), plain.change(true, exact(topic))]);
        }
        const bytes = Buffer.from('ABCDEFG'.repeat(3_000));
        const noise = Buffer.from(randomBytes(60_000).toString('base64'));
        const dense = Buffer.concat([randomBytes(19_600), Buffer.alloc(400)]);
        // one websocket message, and one that goes in parts though it is compressed
        for (const each of [bytes, noise]) {
          expect(await link.notify('z', each)).to.be.greaterThan(0);
          expect(await plain.notify('z', each)).to.be.greaterThan(0);
        }
        const small = await Link.open(server, { compression, maxFrameBytes: 20_000 });
        await small.notify(long, dense);
        await until(() => link.arrivals.length >= 5 && plain.arrivals.length >= 5);
        for (const { arrivals } of [link, plain]) {
          for (const { body } of arrivals) {
            const all = Buffer.from(await body.load());
            expect([bytes, noise, dense].some((each) => each.equals(all))).to.equal(true);
          }
        }
        for (const each of [link, plain, small]) {
          await each.connection.close(5_000);
          expect([...each.faults, ...each.losses]).to.be.empty;
        }
      });

      it('holds the broadcaster back while messages are not taken, and confirms those that are refused', async () => {
        const link = await Link.open(server, {}, null);
        const other = await Link.open(server);
        await link.change(true, exact('slow'));
        for (let i = 0; i < 6; i++) expect(await other.notify('slow', text(String(i)))).to.equal(1);
        await until(() => link.arrivals.length === 3);
        for (let i = 0; i < 6; i++) {
          await until(() => link.arrivals.length > i);
          if (i % 2) link.arrivals[i]!.refuse();
          else link.arrivals[i]!.accept(2);
        }
        expect(await link.notify('slow', text('own'))).to.equal(1);
        await until(() => link.arrivals.length === 7);
        await Promise.all([link.connection.close(5_000), other.connection.close(5_000)]);
        expect([...link.faults, ...link.losses]).to.be.empty;
      });
    });
  }
});

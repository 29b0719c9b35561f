import { expect } from 'chai';
import { built } from '../package/built.js';
import { addressedTo } from '../readme/snippets.js';
import {
  startLiftbridge,
  startLonelypss,
  startNatsStreaming,
  startRabbitMq,
  type LiftbridgeServer,
  type LonelypssServer,
  type NatsStreamingServer,
  type RabbitMqServer,
} from '../support/brokers/index.js';
import { freePort } from '../support/ports.js';
import { readPage, type Block } from './pages.js';
import { pooled, Programs, type Outcome } from './programs.js';

/** The pages whose programs talk to brokers, and to nothing else. */
const pages = [
  'docs/nats-streaming.md',
  'docs/rabbitmq-stream.md',
  'docs/liftbridge.md',
  'docs/lonelyps.md',
  'docs/recipes/deduplicating-bridge.md',
  'docs/recipes/migrating-from-node-nats-streaming.md',
  'docs/recipes/migrating-from-rabbitmq-stream-js-client.md',
  'docs/recipes/state-then-live.md',
].map(readPage);

/** A program that needs a server, and says what it prints. */
const needsServer = ({ file, words, prints }: Block): boolean =>
  file !== undefined && words.includes('no-run') && prints !== undefined;

describe('docs/, on real servers', () => {
  let nats: NatsStreamingServer;
  let rabbit: RabbitMqServer;
  let liftbridge: LiftbridgeServer;
  let lonelypss: LonelypssServer;
  let programs: Programs;
  let outcomes: Map<string, Promise<Outcome>>;

  before(async () => {
    await built();
    // their own, so that the streams on the pages are not there yet
    [nats, rabbit, liftbridge, lonelypss] = await Promise.all([
      startNatsStreaming({ needs: 'control' }),
      startRabbitMq({ external: true, needs: 'control' }),
      startLiftbridge({ needs: 'control' }),
      startLonelypss({ needs: 'control' }),
    ]);
    const servers = { nats, rabbit, liftbridge, liftbridgeTls: liftbridge, lonelypss, callbackPort: await freePort() };
    const { port } = new URL(rabbit.url.replace('rabbitmq-stream:', 'http:'));
    programs = await Programs.write(pages, ({ code }) =>
      addressedTo(code, servers).replaceAll(
        "hostname: 'localhost', port: 5552",
        `hostname: 'localhost', port: ${port}`,
      ),
    );
    // their types are looked at by snippets.spec.ts
    await programs.compile({ check: false });
    const ready = programs.all.filter(({ block }) => needsServer(block));
    outcomes = pooled(
      ready.map(({ name }) => name),
      2,
      (name) => programs.run(ready.find((each) => each.name === name)!),
    );
  });
  after(async () => {
    await Promise.all(outcomes?.values() ?? []);
    await Promise.all([nats, rabbit, liftbridge, lonelypss].map((server) => server?.stop()));
    await programs?.remove();
  });

  for (const page of pages) {
    for (const block of page.blocks.filter(needsServer)) {
      it(`${page.path} runs ${block.file}`, async () => {
        const written = programs.all.find((each) => each.block === block)!;
        const { code, stdout, stderr } = await outcomes.get(written.name)!;
        expect({ code, stderr }, stdout).to.deep.equal({ code: 0, stderr: '' });
        expect(stdout.trimEnd()).to.equal(block.prints!.trimEnd());
      });
    }
  }
});

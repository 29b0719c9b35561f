import { expect } from 'chai';
import { reconnectDefaults } from '../../lib/core/backoff.js';
import { liftbridge } from '../../lib/liftbridge/index.js';
import { resolveOptions as ofLiftbridge } from '../../lib/liftbridge/options.js';
import { lonelyps } from '../../lib/lonelyps/index.js';
import { nodePlatform } from '../../lib/lonelyps/node/platform.js';
import { resolveOptions as ofLonelyps } from '../../lib/lonelyps/options.js';
import { memory } from '../../lib/memory/index.js';
import { resolveMemoryOptions } from '../../lib/memory/options.js';
import { natsStreaming } from '../../lib/nats-streaming/index.js';
import { resolveOptions as ofNatsStreaming } from '../../lib/nats-streaming/options.js';
import { rabbitmqStream } from '../../lib/rabbitmq-stream/index.js';
import { resolveOptions as ofRabbitMq } from '../../lib/rabbitmq-stream/options.js';
import { resolveSinkSettings } from '../../lib/rabbitmq-stream/sink/options.js';
import { readPage, rowsBelow } from './pages.js';

/** No broker has it. */
const unknown = { nope: 1 } as never;

const handle = '## Options of the handle';
const stan = { servers: 'nats://localhost:4222', clusterId: 'cluster', clientId: 'client' };

/** A page, and calls that refuse an option that nobody knows. */
const brokers = [
  { page: 'docs/memory.md', make: memory, options: {} },
  {
    page: 'docs/nats-streaming.md',
    make: natsStreaming,
    options: stan,
  },
  { page: 'docs/rabbitmq-stream.md', make: rabbitmqStream, options: {} },
  { page: 'docs/liftbridge.md', make: liftbridge, options: {} },
  { page: 'docs/lonelyps.md', make: lonelyps, options: { broadcasters: 'ws://localhost:3003' } },
].map(({ page, make, options }) => {
  const broker = (make as (options: object) => ReturnType<typeof memory>)(options);
  return {
    page,
    calls: {
      [handle]: () => (make as (options: object) => unknown)(unknown),
      '## Source options': () => broker.hot('channel', unknown),
      '## Sink options': () => broker.publishTo('channel', unknown),
      '## Message fields': () => broker.publish('channel', new Uint8Array(0), unknown),
    },
    broker,
  };
});

/** Tables whose defaults can be had from the code. */
const defaults: readonly (readonly [page: string, heading: string, actual: object])[] = [
  ['docs/README.md', '### Reconnect', reconnectDefaults],
  ['docs/memory.md', handle, resolveMemoryOptions({})],
  ['docs/nats-streaming.md', handle, ofNatsStreaming(stan)],
  ['docs/rabbitmq-stream.md', handle, ofRabbitMq()],
  ['docs/rabbitmq-stream.md', '## Sink options', resolveSinkSettings({})],
  ['docs/liftbridge.md', handle, ofLiftbridge()],
  ['docs/lonelyps.md', handle, ofLonelyps({ broadcasters: 'ws://localhost:3003' }, nodePlatform)],
];

describe('docs/: options', () => {
  after(() => Promise.all(brokers.map(({ broker }) => broker.close())));

  for (const { page, calls } of brokers) {
    for (const [heading, call] of Object.entries(calls)) {
      it(`${page} has all of '${heading}', and no others`, async () => {
        const rows = rowsBelow(readPage(page).markdown, heading);
        const told = rows.flatMap(([names = '']) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name));
        // these two are told in the text, because they are no part of a message
        const others = heading === '## Message fields' ? ['codec', 'signal'] : [];
        expect([...told, ...others]).to.have.members(await accepted(call));
      });
    }
  }

  for (const [page, heading, actual] of defaults) {
    it(`${page} has the defaults of '${heading}'`, () => {
      const told = rowsBelow(readPage(page).markdown, heading).flatMap(([names = '', cell = '']) => {
        const name = /^`(\w+)`$/.exec(names)?.[1];
        const value = literal(cell);
        return name !== undefined && value !== undefined && name in actual ? [[name, value] as const] : [];
      });
      expect(told.length).to.be.at.least(2);
      for (const [name, value] of told) expect((actual as Record<string, unknown>)[name], name).to.equal(value);
    });
  }
});

/** A default of a table as a value; undefined where it is told in words. */
function literal(cell: string): unknown {
  if (/^\d[\d ]*(\.\d+)?$/.test(cell)) return Number(cell.replaceAll(' ', ''));
  if (cell === 'Infinity') return Infinity;
  if (/^`(true|false)`$/.test(cell)) return cell === '`true`';
  return /^`'([^']*)'`$/.exec(cell)?.[1];
}

/** The names in the error of a call that was given an option that nobody knows. */
async function accepted(call: () => unknown): Promise<string[]> {
  try {
    await call();
  } catch (error) {
    const names = /accepted are (.*)$/.exec((error as Error).message)?.[1];
    if (names !== undefined) return names.split(', ');
    throw error;
  }
  throw new Error('It was accepted.');
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { json } from '../../lib/codec/json.js';
import type { Broker } from '../../lib/core/broker.js';
import type { Delivery } from '../../lib/core/delivery.js';
import { earliest } from '../../lib/core/starts.js';
import { natsStreaming, type NatsStreamingBroker } from '../../lib/nats-streaming/index.js';
import { rabbitmqStream, type RabbitMqStreamBroker } from '../../lib/rabbitmq-stream/index.js';
import {
  startNatsStreaming,
  startRabbitMq,
  type NatsStreamingServer,
  type RabbitMqServer,
} from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { collect, until } from '../support/wait.js';
import { install, kinds, majors } from './majors-kit.js';

interface Job {
  readonly id: number;
}

const codec = json<Job>();
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

/** What the program says of its requests and replies, whatever runs it. */
const talks = {
  sum: [6],
  count: [1, 2, 3],
  fail: { error: { code: 'NO', message: 'not today' } },
  unknown: {
    error: { status: 'error', message: 'There is no matching message handler defined in the remote service.' },
  },
  member: ['welcome'],
  stranger: { error: { status: 'error', message: 'Forbidden resource' } },
  shout: ['[shout: HEY]'],
  excuses: ['excused on excuses: too far'],
  receipt: true,
  attempts: [1, 2],
  states: ['connected', 'connected', 'connected'],
};

describe('an application with two brokers, ESM and CommonJS, under SIGTERM with 100 handlers at work', function () {
  this.timeout(180_000);
  let nats: NatsStreamingServer;
  let rabbitmq: RabbitMqServer;
  const children: ChildProcess[] = [];
  const handles: (NatsStreamingBroker | RabbitMqStreamBroker)[] = [];

  before(async () => {
    [nats, rabbitmq] = await Promise.all([startNatsStreaming(), startRabbitMq()]);
  });

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await Promise.all(handles.splice(0).map((handle) => handle.close()));
  });

  /** As the application, or as who publishes. */
  function onNats(clientId: string): NatsStreamingBroker {
    const handle = natsStreaming({ clusterId: nats.cluster, clientId, servers: nats.url });
    handles.push(handle);
    return handle;
  }

  function onRabbitMq(): RabbitMqStreamBroker {
    const handle = rabbitmqStream({ url: rabbitmq.url });
    handles.push(handle);
    return handle;
  }

  for (const major of majors) {
    it(`Nest ${major}: each finishes or comes again, and it ends with code 0`, async () => {
      const folder = await install(major);
      await Promise.all(Object.values(kinds).map(({ file }) => run(folder, file)));
    });
  }

  async function run(folder: string, file: string): Promise<void> {
    const channel = unique('jobs');
    const client = unique('app');
    const journal = join(folder, `${channel}.txt`);
    await writeFile(journal, '');
    const entries = async (): Promise<string[]> => (await readFile(journal, 'utf8')).split('\n').filter(Boolean);
    const ids = async (words: string): Promise<number[]> =>
      (await entries())
        .filter((line) => line.startsWith(`${words} `))
        .map((line) => Number(line.slice(words.length + 1)))
        .sort((a, b) => a - b);

    const publishers = [onNats(unique('publisher')), onRabbitMq()] as const;
    await publishers[1].createStream(channel);
    for (const publisher of publishers) {
      const any = publisher as unknown as Broker;
      await Promise.all(numbers(0, 60).map((id) => any.publish(channel, { id }, { codec })));
    }

    const child = spawn(process.execPath, [file], {
      cwd: folder,
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        NODE_NO_WARNINGS: '1',
        JOURNAL: journal,
        NATS_URL: nats.url,
        NATS_CLUSTER: nats.cluster,
        NATS_CLIENT: client,
        RABBITMQ_URL: rabbitmq.url,
        CHANNEL: channel,
      },
    });
    children.push(child);
    const said = { out: '', error: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said.out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said.error += chunk));
    const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const at = async (): Promise<boolean> =>
      said.out.endsWith('\n') && (await entries()).filter((line) => line.startsWith('begin ')).length === 100;
    const failed = ended.then(([code]) => Promise.reject(new Error(`it ended with ${code}: ${said.error}`)));
    failed.catch(() => undefined);
    await Promise.race([until(at, { timeout: 60_000, every: 20, message: () => JSON.stringify(said) }), failed]);
    expect(JSON.parse(said.out), file).to.deep.equal(talks);

    child.kill('SIGTERM');
    expect(await ended, said.error).to.deep.equal([0, null]);
    for (const broker of ['nats', 'rabbitmq']) {
      expect(await ids(`begin ${broker}`), broker).to.deep.equal(numbers(0, 50));
      expect(await ids(`done ${broker}`), broker).to.deep.equal(numbers(0, 40));
    }
    const again = { start: earliest(), durable: 'worker', codec };
    const [fromNats, fromRabbitMq] = await Promise.all([
      collect<Delivery<Job>>(onNats(client).messages(channel, again), 20, 15_000),
      collect<Delivery<Job>>(onRabbitMq().messages(channel, again), 20, 15_000),
    ]);
    for (const deliveries of [fromNats, fromRabbitMq]) {
      expect(deliveries.map(({ value }) => value.id).sort((a, b) => a - b)).to.deep.equal(numbers(40, 60));
    }
  }
});

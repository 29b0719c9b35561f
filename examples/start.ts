// npm start: what rx-weir does, on real input, in one program. Each line of a file becomes a message.
import { parseArgs } from 'node:util';
import { lastValueFrom, tap } from 'rxjs';
import { ackMergeMap, earliest, text, toAsyncIterable, untilOffset, type Broker, type Delivery } from 'rx-weir';
import { inputFrom } from './start-input.js';
import { count, dim, Few, strong, word } from './start-print.js';
import { ArgumentError, brokerOptions, placeOf, run, type Place } from './support.js';

const usage = `npm start -- [FILE] [--broker URL [--cluster ID]] [--fail TEXT]

Each line of FILE becomes a message: published, replayed, worked on, acked.

  FILE          a file with lines, or - for standard input. Default: what is piped in,
                else the packages in package-lock.json
  --broker URL  a server, such as nats://localhost:4222 (NATS Streaming),
                rabbitmq-stream://localhost:5552 or liftbridge://localhost:9292.
                Default: in memory
  --cluster ID  the id of a NATS Streaming cluster. Default: test-cluster
  --fail TEXT   lines that hold TEXT fail at every attempt. Default: the third line
  --help        this page`;

const concurrency = 4;
const window = 16;
const attempts = 3;

await run('npm start', async (closing) => {
  const { values, positionals } = parseArgs({
    options: { ...brokerOptions, fail: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  if (positionals.length > 1) throw new ArgumentError(`one FILE at a time; got ${positionals.join(' ')}`);
  const place = placeOf(values);
  const input = await inputFrom(positionals[0]);
  const broker = closing(place.open('start'));
  await broker.connect();
  console.log(`${strong('rx-weir')} on ${place.name}, with ${input.name}\n`);

  const begun = performance.now();
  const channel = await place.channel('lines');
  const letters = await place.channel('failed');
  const stored = await publish(broker, channel, input.lines);
  const { done, failed } = await work(broker, place, { channel, letters, stored, fail: values.fail });
  if (failed > 0) await read(broker, place, letters, failed);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`\n${strong(count(done, 'line'))} done and ${count(failed, 'line')} put aside, in ${seconds} s.\n`);
  console.log(`Next: ${dim('your own lines')}              npm start -- FILE     (or:  ls | npm start)`);
  console.log(
    `      ${dim('the same on a real server')}   npm start -- --broker nats://localhost:4222     (or rabbitmq-stream://, liftbridge://)`,
  );
  console.log(`      ${dim('more programs')}       npx tsx examples/replay.ts     (the others are beside it)`);
  console.log(`      ${dim('the whole story')}             README.md`);
});

/** Every line goes out; the broker confirms each with a receipt. @returns how many are stored */
async function publish(broker: Broker, channel: string, lines: AsyncIterable<string>): Promise<number> {
  let first: string | undefined;
  let stored = 0;
  let refused: Error | undefined;
  let refusals = 0;
  const receipts$ = broker.publishFrom(channel, lines, { codec: text, maxInFlight: 256 });
  const each$ = receipts$.pipe(
    tap((receipt) => {
      if (receipt.ok) {
        stored++;
        first ??= `${show(receipt.value)} has id ${String(receipt.id)}`;
      } else {
        refusals++;
        refused ??= receipt.error;
      }
    }),
  );
  await lastValueFrom(each$, { defaultValue: undefined });
  if (stored === 0) throw refused ?? new Error('nothing was published');
  word(
    'receipt',
    `${count(stored, 'line')} published to '${channel}', each confirmed by the broker`,
    `the first, ${first!}`,
  );
  if (refused) word('', `${refusals} refused: ${refused.message}`);
  return stored;
}

/** Replays the channel from its start and works on each line; a line that fails comes again, and then goes aside. */
async function work(
  broker: Broker,
  place: Place,
  job: {
    readonly channel: string;
    readonly letters: string;
    readonly stored: number;
    readonly fail: string | undefined;
  },
): Promise<{ done: number; failed: number }> {
  const { channel, letters, stored, fail } = job;
  word('start', `earliest(): from the first line that is stored; also latest(), fromOffset(), fromTime() …`);
  word('delivery', `a line in your hands, with its offset and time; ${concurrency} are worked on at a time`);
  word('ack', `"I am done with it": ackMergeMap says it for each line when the work on it succeeded`);
  const told = new Few(8);
  const distinct = new Set<string>();
  const all = new AbortController();
  let unsettled = 0;
  let fullest = 0;
  let done = 0;
  let failed = 0;
  const settled = (): void => {
    if (done + failed === stored) all.abort();
  };
  const sink = broker.sink(letters, { codec: text });

  const lines$ = broker.messages(channel, {
    start: earliest(),
    maxInFlight: window,
    ackWait: place.ackWait,
    codec: text,
    signal: all.signal,
  });
  const project = async (line: Delivery<string>): Promise<void> => {
    try {
      const digest = await digestOf(line.value);
      const before: number = line.redeliveries ?? 0;
      const attempt = before + 1;
      const number = Number((line.offset ?? 0n) - place.firstOffset) + 1;
      const always = fail === undefined ? number === Math.min(3, stored) : line.value.includes(fail);
      const once = fail === undefined && stored > 3 && number === 2 && attempt === 1;
      if (always || once) {
        const rest = always && attempt >= attempts ? 'put aside' : 'released, to come again';
        told.add(`#${number} ${show(line.value)} is made to fail, attempt ${attempt}: ${rest}`);
        throw new Error('it was made to fail');
      }
      if (line.redelivered) told.add(`#${number} ${show(line.value)} succeeds, attempt ${attempt}: acked`);
      distinct.add(digest);
      done++;
      settled();
    } finally {
      unsettled--;
    }
  };
  const putAside = async (line: Delivery<string>): Promise<void> => {
    const receipt = await sink.send(line.value);
    if (!receipt.ok) throw receipt.error;
    failed++;
    settled();
  };
  await lastValueFrom(
    lines$.pipe(
      tap(() => {
        unsettled++;
        fullest = Math.max(fullest, unsettled);
      }),
      ackMergeMap(project, { concurrency, onError: { after: attempts, to: putAside } }),
    ),
    { defaultValue: undefined },
  );
  sink.complete();
  told.end();
  const full = fullest === window ? 'the window was full, and the broker waited' : 'the window was never full';
  word('in-flight', `at most ${fullest} of ${window} deliveries were unsettled at a time: ${full}`);
  word('', `${count(done, 'line')} worked on, ${count(distinct.size, 'different digest')} (SHA-256)`);
  return { done, failed };
}

/** Reads what was put aside, and acks by hand. */
async function read(broker: Broker, place: Place, channel: string, failed: number): Promise<void> {
  word(
    'sink',
    `a Subject that publishes; it took ${count(failed, 'line')} that failed ${attempts} times to '${channel}'`,
  );
  let shown = 0;
  const letters$ = broker.messages(channel, {
    start: earliest(),
    until: untilOffset(place.firstOffset + BigInt(failed) - 1n),
    codec: text,
  });
  for await (const letter of toAsyncIterable(letters$)) {
    if (shown++ < 2) word('', `read back: ${show(letter.value)}, then delivery.ack()`);
    letter.ack();
  }
}

function show(line: string): string {
  const short = line.length > 40 ? `${line.slice(0, 39)}…` : line;
  // what could move the cursor of a terminal is not printed
  return `'${short.replace(/\p{Cc}/gu, '·')}'`;
}

async function digestOf(line: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(line));
  return Buffer.from(bytes).toString('base64');
}

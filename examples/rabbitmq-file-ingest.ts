// A file into a stream, each line once, however often it is interrupted and begun again.
//
//   npx tsx examples/rabbitmq-file-ingest.ts                           shows it, on a stream of its own
//   npx tsx examples/rabbitmq-file-ingest.ts FILE --stream NAME        for your own; run it again after an interruption
//
// Add --broker rabbitmq-stream://user:password@host:5552/vhost. The file may grow at its end, and not change before it.
import { parseArgs } from 'node:util';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { count, lastValueFrom, take, tap } from 'rxjs';
import { earliest, text, untilNow } from 'rx-weir';
import type { RabbitMqStreamBroker } from 'rx-weir/rabbitmq-stream';
import { linesOf } from './start-input.js';
import { ArgumentError, rabbitOptions, rabbitPlaceOf, run } from './support.js';

interface Line {
  /** Counts the lines that hold something, from 1. It is the publishing id. */
  readonly number: bigint;
  readonly text: string;
}

await run('rabbitmq-file-ingest', async (closing) => {
  const { values, positionals } = parseArgs({
    options: { ...rabbitOptions, stream: { type: 'string' } },
    allowPositionals: true,
  });
  const [file = 'package-lock.json', ...more] = positionals;
  if (more.length > 0) throw new ArgumentError(`one FILE at a time; got ${positionals.join(' ')}`);
  const place = rabbitPlaceOf(values.broker);

  if (values.stream !== undefined) {
    const broker = closing(place.open('ingest'));
    await broker.createStream(values.stream, { ifNotExists: true });
    await ingest(broker, values.stream, file);
    return;
  }

  const stream = await place.channel('lines');
  const broken = closing(place.open('ingest'));
  console.log(`${basename(file)} on ${place.name}`);
  await ingest(broken, stream, file, { stopAfter: 1_000 });
  await broken.close();
  console.log('interrupted');

  const broker = closing(place.open('ingest'));
  await ingest(broker, stream, file);
  await ingest(broker, stream, file, { from: 1n });
  const stored = await lastValueFrom(broker.values(stream, { start: earliest(), until: untilNow() }).pipe(count()));
  let lines = 0;
  for await (const { number } of numbered(file)) lines = Number(number);
  console.log(`the stream has each line once: ${stored === lines}`);
  await broker.deleteStream(stream);
});

/**
 * Publishes the lines that the stream does not have. The broker keeps the last id of a named producer, and drops what it
 * has seen from it: `from` shows that.
 */
async function ingest(
  broker: RabbitMqStreamBroker,
  stream: string,
  file: string,
  { stopAfter = Infinity, from }: { readonly stopAfter?: number; readonly from?: bigint } = {},
): Promise<void> {
  const producer = `ingest of ${basename(file)}`;
  const last = await broker.lastPublishingId(producer, stream);
  const first = from ?? last + 1n;
  let confirmed = 0;
  const receipts$ = broker
    .publishFrom(stream, numbered(file, first), {
      producer,
      codec: text,
      message: ({ number, text }: Line) => ({ value: text, id: number }),
      maxInFlight: 256,
      onError: 'throw',
    })
    .pipe(
      tap(() => {
        if (++confirmed % 10_000 === 0) console.log(`  ${confirmed} lines`);
      }),
      take(stopAfter),
    );
  await lastValueFrom(receipts$, { defaultValue: undefined });
  console.log(`the stream had line ${last}; ${confirmed} lines are confirmed from line ${first} on`);
}

async function* numbered(file: string, first = 1n): AsyncGenerator<Line> {
  let number = 0n;
  for await (const text of linesOf(createReadStream(file), file)) if (++number >= first) yield { number, text };
}

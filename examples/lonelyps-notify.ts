// A client that only notifies: no port, no websocket, a receipt for each message. It takes lines, or a file as it is.
//
//   npx tsx examples/lonelyps-notify.ts [--broker http://localhost:3003] [--secrets FILE] [--topic TOPIC] [--file FILE]
import { parseArgs } from 'node:util';
import { lastValueFrom, tap } from 'rxjs';
import { text } from 'rx-weir';
import { lonelyps } from 'rx-weir/lonelyps';
import { lonelypsOptions, lonelypsPlaceOf, run } from './support.js';

await run('lonelyps-notify', async (closing) => {
  const { values } = parseArgs({
    options: { ...lonelypsOptions, topic: { type: 'string' }, file: { type: 'string' } },
  });
  const place = lonelypsPlaceOf(values);
  const topic = values.topic ?? `news/${place.run}`;
  // what nobody can tell the end of is sent again: better twice than never
  const broker = closing(lonelyps({ ...place.options, resend: true }));

  // one after the other, each with the number of subscribers that have it
  const lines = ['one', 'two', 'three'];
  await lastValueFrom(
    broker.publishFrom(topic, lines, { codec: text, onError: 'throw' }).pipe(
      tap((receipt) => {
        if (receipt.ok) console.log(`${receipt.value}: ${receipt.notified} notified`);
      }),
    ),
  );

  // as many at a time as there are connections, in no order
  const receipts = await Promise.all(
    Array.from({ length: 100 }, (_, n) => broker.publish(topic, `side by side ${n}`, { codec: text })),
  );
  console.log(`${receipts.length} side by side`);

  // a file goes from disk, whatever its size
  const file = values.file ?? new URL(import.meta.url).pathname;
  const { notified } = await broker.publish(topic, { file });
  console.log(`a file: ${notified} notified`);
});

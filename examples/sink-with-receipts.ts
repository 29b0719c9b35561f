// A sink is a Subject that publishes. Receipts tell what became of each value.
//
//   npx tsx examples/sink-with-receipts.ts [--broker URL]
//
// In memory; URL is nats://localhost:4222 (with --cluster test-cluster), rabbitmq-stream://localhost:5552 or
// liftbridge://localhost:9292.
import { from, lastValueFrom, map, max, range, toArray } from 'rxjs';
import { earliest, text, untilOffset } from 'rx-weir';
import { placeFromArguments, run } from './support.js';

await run('sink-with-receipts', async (closing) => {
  const place = placeFromArguments();
  const broker = closing(place.open('sink'));
  const channel = await place.channel('numbers');

  // 1. next() never blocks: an Observable can be subscribed to it as it is
  const sink = broker.sink(channel, { codec: text, maxInFlight: 8 });
  const receipts = lastValueFrom(sink.receipts.pipe(toArray()));
  const pending = lastValueFrom(sink.pending.pipe(max()));
  from(['one', 'two', 'three']).subscribe((value) => sink.next(value));

  // 2. send() waits while the window is full, and gives the receipt of its own value
  const four = await sink.send('four');
  console.log(`send('four'): ${four.ok ? 'the broker has it' : four.error.message}`);

  // 3. ready() holds back a loop that could be faster than the broker
  for (let n = 5; n <= 100; n++) {
    await sink.ready();
    sink.next(`number ${n}`);
  }
  await sink.flush();
  console.log('flush(): all that was accepted has its receipt');

  // complete() flushes, then completes receipts and pending
  sink.complete();
  const told = await receipts;
  console.log(`receipts: ${told.length}, all confirmed: ${told.every((receipt) => receipt.ok && receipt.confirmed)}`);
  console.log(`pending: never more than 8: ${(await pending) <= 8}`);

  // 4. what comes faster than it can go, and does not wait, is bounded by the buffer, and told
  for (const overflow of ['error', 'drop-newest', 'drop-oldest'] as const) {
    const small = broker.sink(await place.channel(overflow), { codec: text, maxInFlight: 2, buffer: 3, overflow });
    const outcome = lastValueFrom(small.receipts.pipe(toArray()));
    await small.send('0'); // connected: what comes next goes out at once, as far as the window has room
    range(1, 8).subscribe((n) => small.next(String(n)));
    small.complete();
    const lost = (await outcome).filter((receipt) => !receipt.ok);
    const [first] = lost;
    console.log(
      `overflow '${overflow}': ${lost.map(({ value }) => value).join(' ')} got ${first?.error?.code ?? 'nothing'}`,
    );
  }

  // 5. as an operator: the receipts come downstream
  const ids$ = range(101, 20).pipe(
    map((n) => ({ n })),
    broker.publishTo(channel, { codec: text, message: ({ n }: { n: number }) => ({ value: `number ${n}` }) }),
    map((receipt) => receipt.value.n),
  );
  console.log(`publishTo: ${(await lastValueFrom(ids$.pipe(toArray()))).length} receipts`);

  // 6. publish() is a Promise, which rejects where the others give a failed receipt
  await broker.publish('', 'x', { codec: text }).catch((error: unknown) => {
    console.log(`publish: ${(error as Error).name}`);
  });

  const stored = await lastValueFrom(
    broker
      .values(channel, { start: earliest(), until: untilOffset(place.firstOffset + 119n), codec: text })
      .pipe(toArray()),
  );
  console.log(`stored: ${stored.length}, from '${stored[0]}' to '${stored.at(-1)}'`);
});

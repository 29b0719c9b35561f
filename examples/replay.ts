// Where a subscription can begin and where it can end.
//
//   npx tsx examples/replay.ts [--broker URL]
//
// In memory; URL is nats://localhost:4222 (with --cluster test-cluster), rabbitmq-stream://localhost:5552 or
// liftbridge://localhost:9292.
import { firstValueFrom, interval, lastValueFrom, mergeMap, takeUntil, timer, toArray, type Observable } from 'rxjs';
import {
  ackConcatMap,
  earliest,
  fromAgo,
  fromOffset,
  fromTime,
  latest,
  newOnly,
  text,
  untilNow,
  untilOffset,
  untilTime,
  type Delivery,
  type Start,
  type Until,
} from 'rx-weir';
import { placeFromArguments, run } from './support.js';

await run('replay', async (closing) => {
  const place = placeFromArguments();
  const broker = closing(place.open('replay'));
  const channel = await place.channel('replay');
  const nth = (n: bigint): bigint => place.firstOffset + n - 1n;

  console.log(`six messages on ${place.name}: one two three four five six`);
  for (const word of ['one', 'two', 'three', 'four', 'five', 'six']) {
    await broker.publish(channel, word, { codec: text });
    await firstValueFrom(timer(20));
  }

  const values = (start: Start, until: Until): Observable<string> =>
    broker.values(channel, { start, until, codec: text });
  const show = async (name: string, values$: Observable<string>): Promise<void> => {
    const words = await lastValueFrom(values$.pipe(toArray()));
    console.log(`${name.padEnd(42)} ${words.join(' ')}`);
  };

  // a moment between the third and the fourth, by the broker's clock
  const all$ = broker.messages(channel, { start: earliest(), until: untilOffset(nth(6n)) });
  const time = async (message: Delivery): Promise<number> => message.time?.getTime() ?? 0;
  const times: readonly number[] = await lastValueFrom(all$.pipe(ackConcatMap(time), toArray()));
  const between = (times[2]! + times[3]!) / 2;

  const last = untilOffset(nth(6n));
  console.log('\nstarts');
  await show('earliest()', values(earliest(), last));
  await show('latest()', values(latest(), last));
  await show(`fromOffset(${nth(3n)})`, values(fromOffset(nth(3n)), last));
  await show('fromTime(between three and four)', values(fromTime(between), last));
  await show('fromAgo(60_000)', values(fromAgo(60_000), last));

  console.log('\nends');
  await show(`untilOffset(${nth(4n)})`, values(earliest(), untilOffset(nth(4n))));
  await show('untilTime(between three and four)', values(earliest(), untilTime(between)));
  // the protocol of NATS Streaming does not tell what the last message is
  if (!place.name.startsWith('NATS')) await show('untilNow()', values(earliest(), untilNow()));
  else console.log('untilNow()                                 not on NATS Streaming');

  console.log('\nlive');
  const seven$ = broker.values(channel, { start: newOnly(), codec: text });
  const first = firstValueFrom(seven$);
  // what is published before the subscription stands is not for it, so it is said again until it was heard
  const again$ = interval(50).pipe(
    mergeMap((n) => broker.publish(channel, `seven (said ${n + 1} times)`, { codec: text })),
    takeUntil(first),
  );
  await lastValueFrom(again$, { defaultValue: undefined });
  console.log(`${'newOnly()'.padEnd(42)} ${(await first).replace(/ .*/, '')}`);
});

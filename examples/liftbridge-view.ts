// A view: the newest value of each key, as an Observable of maps, from a stream that is compacted by its keys.
//
//   npx tsx examples/liftbridge-view.ts [--broker liftbridge://localhost:9292]
import { auditTime, count, defer, filter, firstValueFrom, lastValueFrom, map, shareReplay, timer } from 'rxjs';
import type { Observable } from 'rxjs';
import { earliest, json, untilNow } from 'rx-weir';
import type { LiftbridgeBroker } from 'rx-weir/liftbridge';
import { liftbridgeFromArguments, run } from './support.js';

type Prices = ReadonlyMap<string, number>;

/** In cents. The last message of a key stays for ever, whatever is in it: that there is no price any more is a value too. */
const codec = json<number | null>();
const goods = ['apple', 'pear', 'plum', 'quince'];
const rounds = 50;

await run('liftbridge-view', async (closing) => {
  const place = liftbridgeFromArguments();
  // segments are small and looked after often, so that compaction is seen here; the last segment is never compacted
  const stream = await place.channel('prices', { compact: true, segmentMaxBytes: 1_000, cleanerInterval: 500 });
  const shop = closing(place.open());

  const changes = Array.from({ length: rounds * goods.length }, (_, n) => ({
    key: goods[n % goods.length]!,
    value: 100 * (n % goods.length) + Math.floor(n / goods.length),
  }));
  const message = (change: (typeof changes)[number]) => change;
  await lastValueFrom(shop.publishFrom(stream, changes, { message, codec, onError: 'throw' }));
  await shop.publish(stream, null, { key: 'plum', codec });
  console.log(`${changes.length + 1} changes of ${goods.length} prices on ${place.name}`);

  // whoever asks for it while somebody listens gets the newest map at once
  const prices$ = viewOf(shop, stream).pipe(shareReplay({ bufferSize: 1, refCount: true }));
  const isComplete = (prices: Prices): boolean => prices.get('quince') === 300 + rounds - 1 && !prices.has('plum');
  const listener = prices$.subscribe();
  print('now', await when(prices$, isComplete));
  await shop.publish(stream, 99, { key: 'pear', codec });
  print('and', await when(prices$, (prices) => prices.get('pear') === 99));
  listener.unsubscribe();

  // a view that begins later reads what compaction has left, and has the same in it
  const all$ = shop.values(stream, { start: earliest(), until: untilNow() }).pipe(count());
  while ((await lastValueFrom(all$)) > changes.length / 2) await firstValueFrom(timer(100));
  console.log('compaction has left less than half of them');
  const late = closing(place.open());
  print('later', await when(viewOf(late, stream), (prices) => prices.get('pear') === 99));
  await shop.deleteStream(stream);
});

/** The newest value of each key. Many messages at once make one map, so that a long stream does not make a map for each. */
function viewOf(broker: LiftbridgeBroker, stream: string): Observable<Prices> {
  return defer(() => {
    const prices = new Map<string, number>();
    const name = new TextDecoder();
    return broker.messages(stream, { start: earliest(), codec }).pipe(
      map((change) => {
        const good = name.decode(change.key);
        if (change.value === null) prices.delete(good);
        else prices.set(good, change.value);
        // no position is kept: an ack only makes room for the next
        change.ack();
      }),
      auditTime(10),
      map(() => new Map(prices)),
    );
  });
}

/** The first map of which that is true. */
function when(prices$: Observable<Prices>, isSo: (prices: Prices) => boolean): Promise<Prices> {
  return firstValueFrom(prices$.pipe(filter(isSo)));
}

function print(word: string, prices: Prices): void {
  console.log(`${word}: ${[...prices].map(([good, cents]) => `${good} ${cents}`).join(', ')}`);
}

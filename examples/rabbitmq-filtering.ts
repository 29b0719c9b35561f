// Filtering: the broker leaves out chunks without a wanted message, and postFilter the others' messages in the rest.
//
//   npx tsx examples/rabbitmq-filtering.ts [--broker rabbitmq-stream://localhost:5552]
import { EMPTY, lastValueFrom, merge, takeWhile, toArray } from 'rxjs';
import { earliest, json } from 'rx-weir';
import type { RabbitMqStreamFilter } from 'rx-weir/rabbitmq-stream';
import { rabbitFromArguments, run } from './support.js';

interface Reading {
  readonly region: string;
  readonly celsius: number;
}

const regions = ['africa', 'america', 'asia', 'europe'];
const each = 500;
const codec = json<Reading | 'end'>();

await run('rabbitmq-filtering', async (closing) => {
  const place = rabbitFromArguments();
  const broker = closing(place.open('filtering'));
  const channel = await place.channel('readings');

  // the filter value goes out beside each message; the broker notes which ones a chunk has
  const readings = broker.sink(channel, {
    codec,
    filterValue: (reading: Reading | 'end') => (reading === 'end' ? undefined : reading.region),
    // for those who filter afterwards: the filter value itself is not part of a message
    message: (reading) => ({
      value: reading,
      ...(reading !== 'end' && { properties: { subject: reading.region } }),
    }),
  });
  readings.receipts.subscribe((receipt) => {
    if (!receipt.ok) console.error(receipt.error.message);
  });
  for (const region of regions) {
    for (let n = 0; n < each; n++) readings.next({ region, celsius: n % 40 });
    // ends the chunk, so that most chunks are of one region
    await readings.flush();
  }
  readings.next('end');
  readings.complete();
  console.log(`${regions.length} × ${each} readings on ${place.name}`);

  const read = async (words: string, filter?: RabbitMqStreamFilter): Promise<void> => {
    // a filtered source cannot know what the last message is, because the broker may keep it back
    const values$ = broker
      .values(channel, { start: earliest(), codec, ...(filter && { filter }) })
      .pipe(takeWhile((value): value is Reading => value !== 'end'));
    const values = await lastValueFrom(merge(values$, EMPTY).pipe(toArray()));
    const wanted = values.filter(({ region }) => region === 'asia').length;
    console.log(`${words}: ${values.length} came, ${wanted} of them from asia`);
  };
  await read('no filter');
  // chunks without any filter value come too: the one with the end
  await read('filter.values', { values: ['asia'], matchUnfiltered: true });
  await read('with postFilter', {
    values: ['asia'],
    matchUnfiltered: true,
    postFilter: ({ properties }) => properties.subject === 'asia' || properties.subject === undefined,
  });
  await broker.deleteStream(channel);
});

// Filtering: the broker leaves out chunks without a wanted message, and postFilter the others' messages in the rest.
//
//   npx tsx examples/rabbitmq-filtering.ts [--broker rabbitmq-stream://localhost:5552]
import { lastValueFrom, takeWhile, toArray } from 'rxjs';
import { earliest, json } from 'rx-weir';
import type { RabbitMqStreamFilter } from 'rx-weir/rabbitmq-stream';
import { rabbitFromArguments, run } from './support.js';

interface Reading {
  readonly region: string;
  readonly celsius: number;
}

const regions = ['africa', 'america', 'asia', 'europe'];
const wanted = 'asia';
const each = 500;
/** Colder than anything is. */
const end: Reading = { region: wanted, celsius: -300 };
const codec = json<Reading>();

await run('rabbitmq-filtering', async (closing) => {
  const place = rabbitFromArguments();
  const broker = closing(place.open('filtering'));
  const channel = await place.channel('readings');

  // the filter value goes out beside each message; the broker notes which ones a chunk has
  const readings = broker.sink(channel, {
    codec,
    filterValue: ({ region }: Reading) => region,
    // for those who filter afterwards: the filter value itself is not part of a message
    message: (reading: Reading) => ({ value: reading, properties: { subject: reading.region } }),
  });
  readings.receipts.subscribe((receipt) => {
    if (!receipt.ok) console.error(receipt.error.message);
  });
  for (const [index, region] of regions.entries()) {
    const neighbour = regions[(index + 1) % regions.length]!;
    for (let n = 0; n < each; n++) readings.next({ region: n % 2 === 0 ? region : neighbour, celsius: n % 40 });
    // what goes out together is a chunk, as a rule: here of two regions
    await readings.flush();
  }
  readings.complete();
  await broker.publish(channel, end, { codec, filterValue: wanted, properties: { subject: wanted } });
  console.log(`${regions.length} × ${each} readings on ${place.name}`);

  const read = async (words: string, filter?: RabbitMqStreamFilter): Promise<void> => {
    // where a filtered stream ends cannot be known, because the broker may keep the last chunk back: it is said
    const values$ = broker.values(channel, { start: earliest(), filter, codec }).pipe(
      takeWhile(({ celsius }) => celsius !== end.celsius),
      toArray(),
    );
    const values = await lastValueFrom(values$);
    const right = values.filter(({ region }) => region === wanted).length;
    console.log(`${words}: ${values.length} came, ${right} of them from ${wanted}`);
  };
  await read('no filter');
  await read('filter.values', { values: [wanted] });
  // the properties are read without decoding the value
  await read('and postFilter', { values: [wanted], postFilter: ({ properties }) => properties.subject === wanted });
  await broker.deleteStream(channel);
});

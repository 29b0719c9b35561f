// A worker that stops and goes on where it stood, and workers that share the work.
//
//   npx tsx examples/durable-worker.ts [--broker URL]
//
// In memory; URL is nats://localhost:4222 (with --cluster test-cluster), rabbitmq-stream://localhost:5552 or
// liftbridge://localhost:9292.
import { firstValueFrom, lastValueFrom, merge, take, tap, timer, toArray } from 'rxjs';
import { ackConcatMap, ackMergeMap, earliest, text, type Broker, type Delivery } from 'rx-weir';
import { placeFromArguments, run } from './support.js';

await run('durable-worker', async (closing) => {
  const place = placeFromArguments();
  const channel = await place.channel('jobs');
  const boss = closing(place.open('boss'));

  const order = async (from: number, to: number): Promise<void> => {
    for (let n = from; n <= to; n++) await boss.publish(channel, `job ${n}`, { codec: text });
    console.log(`jobs ${from} to ${to} are published`);
  };

  // The broker keeps the position under the durable's name (on NATS Streaming: of this client id and that name), and
  // moves it with each ack. The start counts for the first time only.
  const worker = (broker: Broker, jobs: number): Promise<string[]> =>
    lastValueFrom(
      broker
        .messages(channel, {
          start: earliest(),
          durable: 'worker',
          maxInFlight: 2,
          ackWait: place.ackWait,
          codec: text,
        })
        .pipe(
          ackConcatMap(async (job) => {
            await firstValueFrom(timer(5)); // the work
            return job.value;
          }),
          take(jobs),
          toArray(),
        ),
    );

  await order(1, 5);
  const monday = closing(place.open('worker'));
  console.log(`the worker does: ${(await worker(monday, 3)).join(', ')}`);
  await monday.close();
  console.log('the worker stops');

  await order(6, 8);
  const tuesday = closing(place.open('worker'));
  console.log(`the worker resumes: ${(await worker(tuesday, 5)).join(', ')}`);
  // closing and unsubscribing keep the position; this drops it
  await tuesday.forget(channel, { durable: 'worker' });

  if (place.queue === 'shared') await team(place.open, closing, channel, place.ackWait);
  else
    console.log('a team: one works and the others stand by, see rabbitmq-single-active.ts and liftbridge-workers.ts');
});

/** A queue group: each job goes to one of its members. With a durable, the group's position outlives its members. */
async function team(
  open: (client: string) => Broker,
  closing: <B extends Broker>(broker: B) => B,
  channel: string,
  ackWait: number,
): Promise<void> {
  const shares = new Map<string, number>();
  const member = (name: string) => {
    const broker = closing(open(name));
    const options = { start: earliest(), queue: 'team', durable: 'week', maxInFlight: 1, ackWait, codec: text };
    return broker.messages(channel, options).pipe(
      ackMergeMap(
        async (job: Delivery<string>) => {
          await firstValueFrom(timer(20)); // the work
          return job.value;
        },
        { concurrency: 1 },
      ),
      tap(() => shares.set(name, (shares.get(name) ?? 0) + 1)),
    );
  };
  const jobs = await lastValueFrom(merge(member('ann'), member('bob')).pipe(take(8), toArray()));
  console.log(`a team of ${shares.size} does: ${jobs.sort().join(', ')}`);
  const [ann, bob] = [shares.get('ann') ?? 0, shares.get('bob') ?? 0];
  console.log(`each job once: ${ann > 0 && bob > 0 && ann + bob === 8 ? 'both had a share' : `${ann} and ${bob}`}`);
}

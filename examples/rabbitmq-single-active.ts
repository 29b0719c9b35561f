// Single active consumers: one works, the others stand by; when it leaves, another goes on behind what it settled.
//
//   npx tsx examples/rabbitmq-single-active.ts [--broker rabbitmq-stream://localhost:5552]
import { firstValueFrom, lastValueFrom, Subject, take, timer, toArray, type Subscription } from 'rxjs';
import { ackConcatMap, earliest, text } from 'rx-weir';
import type { RabbitMqStreamBroker } from 'rx-weir/rabbitmq-stream';
import { rabbitFromArguments, run } from './support.js';

interface Done {
  readonly who: string;
  readonly job: string;
}

await run('rabbitmq-single-active', async (closing) => {
  const place = rabbitFromArguments();
  const boss = closing(place.open('boss'));
  const channel = await place.channel('jobs');
  for (let n = 1; n <= 10; n++) await boss.publish(channel, `job ${n}`, { codec: text });
  console.log(`10 jobs on ${place.name}`);

  const done$ = new Subject<Done>();
  const all = lastValueFrom(done$.pipe(take(10), toArray()));
  const worker = (who: string, broker: RabbitMqStreamBroker): Subscription =>
    broker
      .messages(channel, { queue: 'workers', start: earliest(), maxInFlight: 4, codec: text })
      .pipe(
        ackConcatMap(async ({ value: job }) => {
          await firstValueFrom(timer(20)); // the work
          return { who, job };
        }),
      )
      .subscribe({ next: (done) => done$.next(done), error: (error: unknown) => done$.error(error) });

  // two handles are two connections, as two processes would have them
  const [ann, bob] = [closing(place.open('ann')), closing(place.open('bob'))];
  const annWorks = worker('ann', ann);
  await firstValueFrom(done$);
  const bobWorks = worker('bob', bob);
  await lastValueFrom(done$.pipe(take(3)));

  // what she has in hand and has not done is not settled, so that it is bob's
  annWorks.unsubscribe();
  await ann.close();
  console.log('ann leaves');

  const jobs = await all;
  const of = (name: string): string =>
    jobs
      .filter(({ who }) => who === name)
      .map(({ job }) => job)
      .join(', ');
  console.log(`ann did ${of('ann')}`);
  console.log(`bob did ${of('bob')}`);
  console.log(`each job once, in order: ${jobs.every(({ job }, index) => job === `job ${index + 1}`)}`);

  bobWorks.unsubscribe();
  await bob.close();
  // the group's position is stored under its name
  console.log(`${await boss.lag('workers', channel)} jobs are left`);
  await boss.deleteStream(channel);
});

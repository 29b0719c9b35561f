import { earliest } from 'rx-weir';
import { rabbitmqStream, type RabbitMqStreamBroker } from 'rx-weir/rabbitmq-stream';
import type { Contender, Job } from '../contender.js';
import { publishFrom, publishToSink, replay } from './broker-tasks.js';

type Task = (broker: RabbitMqStreamBroker, job: Job, channel: string, messages: number) => Promise<void>;

/** Our own client of RabbitMQ Streams. */
export const rabbitMqStream: Contender = {
  publish: runner(publishFrom),
  sink: runner(publishToSink),
  publishGzip: runner((broker, job, channel, messages) =>
    publishFrom(broker.withSubEntries, job, channel, messages),
  ),
  replay: runner((broker, job, channel, messages) => replay(broker, job, channel, messages, { start: earliest() })),
  replayWide: runner((broker, job, channel, messages) =>
    replay(broker, job, channel, messages, { start: earliest(), maxInFlight: job.window }),
  ),
};

function runner(task: Task): Contender[string] {
  return async (job) => {
    const { host, port, login } = job.server!;
    const broker = rabbitmqStream({ host, port, ...login });
    await broker.connect();
    return { run: (channel, messages) => task(broker, job, channel, messages), close: () => broker.close() };
  };
}

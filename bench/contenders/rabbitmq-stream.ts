import { earliest } from 'rx-weir';
import { rabbitmqStream, type RabbitMqStreamBroker } from 'rx-weir/rabbitmq-stream';
import type { Contender, Job, Runner } from '../contender.js';
import { observeReceipts, publishFrom, publishToSink, takeEach, values } from './broker-tasks.js';

type Task = (broker: RabbitMqStreamBroker, job: Job, channel: string, messages: number) => Promise<void>;

/** Our own client of RabbitMQ Streams. */
export const rabbitMqStream: Contender = {
  publish: runner(publishFrom),
  sink: runner(publishToSink),
  publishGzip: runner((broker, job, channel, messages) => {
    const options = { maxInFlight: job.window, subEntry: { size: 100, compression: 'gzip' } } as const;
    return observeReceipts(broker.publishFrom(channel, values(job, messages), options), messages);
  }),
  replay: runner((broker, job, channel, messages) =>
    takeEach(broker.messages(channel, { start: earliest() }), job, messages),
  ),
  replayWide: runner((broker, job, channel, messages) =>
    takeEach(broker.messages(channel, { start: earliest(), maxInFlight: job.window }), job, messages),
  ),
};

function runner(task: Task): (job: Job) => Promise<Runner> {
  return async (job) => {
    const { host, port, login } = job.server!;
    const broker = rabbitmqStream({ host, port, ...login });
    await broker.connect();
    return { run: (channel, messages) => task(broker, job, channel, messages), close: () => broker.close() };
  };
}

import { earliest } from 'rx-weir';
import { liftbridge, type LiftbridgeBroker } from 'rx-weir/liftbridge';
import type { Contender, Job, Runner } from '../contender.js';
import { publishFrom, publishToSink, takeEach } from './broker-tasks.js';

type Task = (broker: LiftbridgeBroker, job: Job, channel: string, messages: number) => Promise<void>;

/** Our own client of Liftbridge. */
export const liftbridgeContender: Contender = {
  publish: runner(publishFrom),
  sink: runner(publishToSink),
  replay: runner((broker, job, channel, messages) =>
    takeEach(broker.messages(channel, { start: earliest() }), job, messages),
  ),
};

function runner(task: Task): (job: Job) => Promise<Runner> {
  return async (job) => {
    const { host, port } = job.server!;
    const broker = liftbridge({ brokers: `${host}:${port}` });
    await broker.connect();
    return { run: (channel, messages) => task(broker, job, channel, messages), close: () => broker.close() };
  };
}

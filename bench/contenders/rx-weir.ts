import { connect } from '@nats-io/transport-node';
import { natsStreaming, type NatsStreamingBroker } from 'rx-weir/nats-streaming';
import { clientId, type Contender, type Job, type ServerAddress } from '../contender.js';
import { publishFrom, publishToSink, replay, type MeasuredBroker } from './broker-tasks.js';

interface Opened {
  readonly broker: NatsStreamingBroker;
  close(): Promise<void>;
}

type Task = (broker: MeasuredBroker, job: Job, channel: string, messages: number) => Promise<void>;

/** Over `nats` v2, a connection of the handle's own. */
export const rxWeirOverV2 = contender(async (job, { host, port, cluster }) => {
  const broker = natsStreaming({ clusterId: cluster, clientId: clientId(job), servers: `${host}:${port}` });
  return { broker, close: () => broker.close() };
});

/** Over `@nats-io/transport-node` v3, a connection that is lent to the handle. */
export const rxWeirOverV3 = contender(async (job, { host, port, cluster }) => {
  const nats = await connect({ servers: `${host}:${port}` });
  const broker = natsStreaming({ clusterId: cluster, clientId: clientId(job), nats });
  const close = async (): Promise<void> => {
    await broker.close();
    await nats.close();
  };
  return { broker, close };
});

function contender(open: (job: Job, server: ServerAddress) => Promise<Opened>): Contender {
  const runner = (task: Task) => async (job: Job) => {
    const { broker, close } = await open(job, job.server!);
    await broker.connect();
    return { run: (channel: string, messages: number) => task(broker, job, channel, messages), close };
  };
  return { publish: runner(publishFrom), sink: runner(publishToSink), replay: runner(replay) };
}

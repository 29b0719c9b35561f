import { firstValueFrom, Subscription } from 'rxjs';
import { lonelyps, type LonelypsBroker } from 'rx-weir/lonelyps';
import type { Contender, Job, Runner } from '../contender.js';
import { observeReceipts, values } from './broker-tasks.js';

/** Our own client of lonelyps, which hears what it says. */
export const lonelypsContender: Contender = {
  http: (job) => runner(job, 'http'),
  websocket: (job) => runner(job, 'websocket'),
};

async function runner(job: Job, transport: 'http' | 'websocket'): Promise<Runner> {
  const { host, port } = job.server!;
  const broker =
    transport === 'http'
      ? lonelyps({ broadcasters: `http://${host}:${port}`, receive: { listen: { host: '127.0.0.1', port: 0 } } })
      : lonelyps({ broadcasters: `ws://${host}:${port}`, receive: { websocket: true }, compression: false });
  await broker.connect();
  return {
    prepare: (channel) => untilHeard(broker, channel),
    run: (channel, messages) => notifyAndReceive(broker, job, channel, messages),
    close: () => broker.close(),
  };
}

/** Connections are made and the way is clear. */
async function untilHeard(broker: LonelypsBroker, channel: string): Promise<void> {
  const heard = firstValueFrom(
    broker.values(channel, {
      // resolves when all is subscribed
      onReceiving: () => void broker.publish(channel, new Uint8Array(1)),
    }),
  );
  await heard;
}

async function notifyAndReceive(broker: LonelypsBroker, job: Job, channel: string, messages: number): Promise<void> {
  let bytes = 0;
  // over a websocket the last receipts come before the last messages
  await new Promise<void>((resolve, reject) => {
    const subscription = new Subscription();
    let left = messages + 1;
    const done = (): void => {
      if (--left > 0) return;
      subscription.unsubscribe();
      resolve();
    };
    const start = (): void => {
      const receipts = broker.publishFrom(channel, values(job, messages), { maxInFlight: job.window });
      observeReceipts(receipts, messages).then(done, reject);
    };
    subscription.add(
      broker.messages(channel, { onReceiving: start }).subscribe({
        next: (delivery) => {
          bytes += delivery.value.length;
          delivery.ack();
          done();
        },
        error: reject,
      }),
    );
  });
  if (bytes !== messages * job.size) throw new Error(`${bytes} bytes came in ${messages} messages of ${job.size}`);
}

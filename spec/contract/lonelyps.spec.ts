import type { Broker } from '../../lib/core/broker.js';
import { LonelypsHandle } from '../../lib/lonelyps/broker.js';
import { lonelyps } from '../../lib/lonelyps/index.js';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import type { Capabilities } from './capabilities.js';
import { describeContract } from './contract.js';

const can: Capabilities = {
  replay: false,
  starts: ['newOnly'],
  untils: [],
  durable: false,
  queue: false,
  durableQueue: false,
  redelivery: false,
  keys: false,
  headers: false,
  ids: false,
  firstOffset: undefined,
  confirms: true,
  receiptOffsets: false,
  notified: true,
  // any text is a topic that has its bytes in UTF-8, at most 65 535 of them
  badChannels: ['\ud800', 'x'.repeat(65_536), 'é'.repeat(32_768)],
  maxPayload: undefined,
};

/** Resolves when all that the handle wants is subscribed. */
async function settled(broker: Broker): Promise<void> {
  if (!(broker instanceof LonelypsHandle)) throw new TypeError('this is no handle of lonelyps');
  await broker.session.settled();
}

for (const auth of ['none', 'token', 'hmac'] as const) {
  describe(`a broadcaster with authorization ${auth}`, () => {
    let server: LonelypssServer;
    before(async () => {
      server = await startLonelypss({ auth });
    });
    after(() => server.stop());

    describeContract(
      `lonelyps over HTTP, authorization ${auth}`,
      { ...can, orderedPublishing: false },
      {
        broker: ({ closeTimeout }) =>
          lonelyps({
            broadcasters: server.url,
            receive: { listen: { host: '127.0.0.1' } },
            auth: server.auth,
            closeTimeout,
          }),
        subscribed: settled,
      },
    );

    describeContract(`lonelyps over websockets, authorization ${auth}`, can, {
      broker: ({ closeTimeout }) => lonelyps({ broadcasters: server.socketUrl, auth: server.auth, closeTimeout }),
      subscribed: async (broker) => {
        await settled(broker);
        // the broadcaster confirms a subscription a moment before it is there, and the next request after it
        await broker.publish(unique('after'), new Uint8Array(0));
      },
    });
  });
}

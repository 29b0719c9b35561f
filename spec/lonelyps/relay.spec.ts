import { expect } from 'chai';
import { lastValueFrom, take, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { Missing } from './faults-kit.js';
import { Handles, Heard, subscribed, transports } from './lonelyps-kit.js';

describe('lonelyps: one handle that subscribes and publishes', () => {
  const handles = new Handles();
  let server: LonelypssServer;

  before(async () => {
    server = await startLonelypss();
  });

  afterEach(() => handles.close());
  after(() => server.stop());

  for (const transport of transports) {
    for (const answer of ['buffered', 'settled'] as const) {
      it(`over ${transport}, with answers when ${answer}: goes on however much waits for its work`, async () => {
        const broker = handles.open(transport, server);
        const missing = new Missing(broker);
        const [here, there] = [unique('here'), unique('there')];
        const count = 60;
        const out = new Heard(broker, there);
        const relayed = lastValueFrom(
          broker.messages(here, { codec: text, maxInFlight: 1, answer }).pipe(
            ackConcatMap(({ value }) => broker.publish(there, value, { codec: text })),
            take(count),
            toArray(),
          ),
        );
        await subscribed(broker);
        const numbers = Array.from({ length: count }, (_, n) => String(n));
        const published = await Promise.all(numbers.map((value) => broker.publish(here, value, { codec: text })));
        expect(published.map(({ notified }) => notified)).to.deep.equal(numbers.map(() => 1));
        expect((await relayed).every(({ notified }) => notified === 1)).to.equal(true);
        // over a websocket, receipts may come before the messages
        await until(() => out.texts.length === count);
        expect(out.texts).to.have.members(numbers);
        expect(missing.all).to.deep.equal([]);
      });
    }

    it(`over ${transport}: a message whose work fails goes to the dead letters at once, for it does not come again`, async () => {
      const broker = handles.open(transport, server);
      const [here, dead] = [unique('here'), unique('dead')];
      const letters = new Heard(broker, dead);
      const work = broker.messages(here, { codec: text }).pipe(
        ackConcatMap(
          ({ value }) => {
            if (value === 'poison') throw new Error('no');
            return [value];
          },
          { onError: { after: 3, to: ({ value }) => broker.publish(dead, value, { codec: text }) } },
        ),
        take(1),
      );
      const done = lastValueFrom(work);
      await subscribed(broker);
      await broker.publish(here, 'poison', { codec: text });
      await broker.publish(here, 'meat', { codec: text });
      expect(await done).to.equal('meat');
      await until(() => letters.texts.length > 0);
      expect(letters.texts).to.deep.equal(['poison']);
    });
  }

  it('is not one that only publishes: that one refuses to subscribe', async () => {
    const broker = handles.open('http', server, { receive: undefined });
    for (const subscribe of [() => broker.messages('a'), () => broker.values('a'), () => broker.hot('a')]) {
      expect(subscribe).to.throw(InvalidOptionError, /this handle only publishes; make it with receive/);
    }
    expect((await broker.publish('a', 'x', { codec: text })).ok).to.equal(true);
  });
});

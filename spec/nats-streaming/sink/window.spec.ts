import { expect } from 'chai';
import { lastValueFrom, toArray } from 'rxjs';
import { PublishError, PublishUncertainError } from '../../../lib/core/errors.js';
import { encodePubAck } from '../../../lib/nats-streaming/codec/pub-ack.js';
import { decodePubMsg } from '../../../lib/nats-streaming/codec/pub-msg.js';
import type { NatsStreamingBroker } from '../../../lib/nats-streaming/index.js';
import { startFakeNats, type FakeMessage, type FakeNats } from '../../support/fake-nats.js';
import { unique } from '../../support/names.js';
import { bytes, failureOf } from '../acceptance-kit.js';
import { fakeStan } from '../session-kit.js';
import { Handles, Told } from '../support.js';

describe('NATS Streaming: the window of publishing, on a scripted server', () => {
  const handles = new Handles();
  let fake: FakeNats;
  let broker: NatsStreamingBroker;
  let told: Told;

  beforeEach(async () => {
    fake = await startFakeNats();
    fakeStan(fake);
    broker = handles.make({ url: fake.url, cluster: 'weir' });
    told = new Told(broker);
  });

  afterEach(async () => {
    await handles.close();
    await fake.stop();
  });

  const guidOf = ({ data }: FakeMessage): string => decodePubMsg(data).guid;

  // what waits for publish() is bounded, as it is for a sink
  for (const [way, count, limit] of [
    ['publish()', 10_000, 1_024],
    ['publishFrom', 20_000, 10],
    ['a sink', 20_000, 10],
  ] as const) {
    it(`never has more unconfirmed than it may: ${count} by ${way}, ${limit} at a time`, async () => {
      const open: FakeMessage[] = [];
      let most = 0;
      let took = 0;
      let answering = false;
      const answer = (): void => {
        answering = false;
        // some at a time and the last first, as a server may
        for (const message of open.splice(Math.floor(open.length / 3)).reverse()) {
          message.respond(encodePubAck({ guid: guidOf(message) }));
        }
        if (open.length > 0) schedule();
      };
      const schedule = (): void => {
        if (answering) return;
        answering = true;
        setImmediate(answer);
      };
      fake.onPublish('_STAN.pub.weir.>', (message) => {
        open.push(message);
        took++;
        most = Math.max(most, open.length);
        schedule();
      });
      const value = bytes('x');
      const values = Array.from({ length: count }, () => value);
      if (way === 'publish()') await Promise.all(values.map((each) => broker.publish('orders', each)));
      else if (way === 'publishFrom') {
        const receipts = broker.publishFrom('orders', values, { maxInFlight: limit });
        expect((await lastValueFrom(receipts.pipe(toArray()))).every(({ ok }) => ok)).to.equal(true);
      } else {
        const sink = broker.sink('orders', { maxInFlight: limit, buffer: count });
        for (const each of values) sink.next(each);
        await sink.flush();
      }
      expect(took).to.equal(count);
      expect(most).to.equal(limit);
    });
  }

  it('says which refusals may pass, and hands over the reason', async () => {
    const reasons = [
      'stan: channel is being deleted',
      'too many channels',
      'disk full',
      'stan: invalid publish request',
    ];
    fake.onPublish('_STAN.pub.weir.>', (message) => {
      message.respond(encodePubAck({ guid: guidOf(message), error: decodePubMsg(message.data).reply }));
    });
    for (const reason of reasons) {
      const error = await failureOf(() => broker.publish('orders', bytes('x'), { replyTo: reason }));
      expect(error).to.be.instanceOf(PublishError).and.not.instanceOf(PublishUncertainError);
      expect(error.detail).to.deep.equal({ error: reason });
      expect(error.retriable).to.equal(reason === 'stan: channel is being deleted');
    }
    expect(told.states.at(-1)).to.equal('connected');
  });

  it('takes only the confirmation of its own guid: no 503, no unknown one, none twice, no garbage', async () => {
    const guids: string[] = [];
    fake.onPublish('_STAN.pub.weir.>', (message) => {
      const guid = guidOf(message);
      guids.push(guid);
      message.noResponders();
      message.respond(new Uint8Array(0));
      message.respond(encodePubAck({ guid: unique('unknown') }));
      message.respond(new Uint8Array([0xff, 0xff, 0xff]));
      message.respond(encodePubAck({ guid: `${guid}0` }));
      if (guids.length < 2) return;
      for (const each of [...guids].reverse()) {
        message.respond(encodePubAck({ guid: each }));
        message.respond(encodePubAck({ guid: each, error: 'too late' }));
      }
    });
    const order: string[] = [];
    const publish = async (text: string): Promise<void> => {
      const { id } = await broker.publish('orders', bytes(text));
      order.push(text);
      expect(id).to.equal(guids[Number(text)]);
    };
    await Promise.all([publish('0'), publish('1')]);
    expect(order).to.deep.equal(['1', '0']);
    expect(told.of('protocol').length).to.be.greaterThan(0);
    expect(told.states.at(-1)).to.equal('connected');
  });
});

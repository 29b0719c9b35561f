import { expect } from 'chai';
import { filter, from, lastValueFrom, retry, take, tap, toArray, type Subscription } from 'rxjs';
import { bytes } from '../../lib/codec/bytes.js';
import { json } from '../../lib/codec/json.js';
import { text } from '../../lib/codec/text.js';
import type { Broker } from '../../lib/core/broker.js';
import { DecodeError, InvalidOptionError, OverflowError } from '../../lib/core/errors.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { ackMergeMap } from '../../lib/operators/ack-merge-map.js';
import { bridgeTo } from '../../lib/operators/bridge-to.js';
import { mapValue } from '../../lib/operators/map-value.js';
import { testBroker, type TestBroker } from '../../lib/testing/index.js';
import { rejected, thrown } from './rejected.js';

interface Order {
  readonly id: number;
}
const codec = json<Order>();
const texts = { codec: text };

/** The program under test: knows nothing but a broker, and subscribes by itself. */
function bill(broker: Broker, fails: (order: Order, times: number) => boolean = () => false): Subscription {
  const times = new Map<number, number>();
  return broker
    .messages('orders', { codec, start: earliest(), durable: 'billing', ackWait: 1000 })
    .pipe(
      ackConcatMap(
        async ({ value }) => {
          const time = (times.get(value.id) ?? 0) + 1;
          times.set(value.id, time);
          if (fails(value, time)) throw new Error(`no price for ${value.id}`);
          await broker.publish('bills', { id: value.id * 100 }, { codec });
        },
        { onError: 'release' },
      ),
    )
    .subscribe();
}

describe('testing: testBroker', () => {
  let broker: TestBroker;

  beforeEach(() => {
    broker = testBroker();
  });

  afterEach(() => broker.close());

  it('tells what a program delivered, acked and published', async () => {
    bill(broker);
    for (const id of [1, 2, 3]) await broker.publish('orders', { id }, { codec });
    const orders = broker.deliveries('orders');
    expect(await orders.settled(3)).to.deep.equal([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect(orders.open).to.deep.equal([]);
    expect(orders.deliveries.map(({ outcome, offset }) => [outcome, offset])).to.deep.equal([
      ['ack', 1n],
      ['ack', 2n],
      ['ack', 3n],
    ]);
    expect(broker.published('bills', { codec })).to.deep.equal([{ id: 100 }, { id: 200 }, { id: 300 }]);
    expect(broker.inFlight).to.equal(0);
  });

  it('gives bytes without a codec, and copies of what was published', async () => {
    const data = new Uint8Array([1, 2]);
    await broker.publish('raw', data);
    data.fill(9);
    expect(broker.published('raw')).to.deep.equal([new Uint8Array([1, 2])]);
    expect(broker.published('nothing')).to.deep.equal([]);
  });

  it('tells keys, headers, ids, offsets and times', async () => {
    await broker.publish('c', 'a', { ...texts, key: 'k', headers: { from: 'spec' }, id: 'one' });
    await broker.publish('c', 'b', texts);
    const [first, second] = broker.publishedMessages('c', texts);
    expect(first).to.deep.include({ value: 'a', channel: 'c', offset: 1n, id: 'one' });
    expect(first?.headers.get('from')).to.equal('spec');
    expect(first?.key).to.deep.equal(text.encode('k'));
    expect(first?.time).to.be.a('date');
    expect(second).to.deep.include({ value: 'b', offset: 2n, id: undefined, key: undefined });
  });

  it('waits until something is published, and says what came instead', async () => {
    const both = broker.untilPublished('c', 2, texts);
    broker.sink('c', texts).next('a');
    await broker.publish('c', 'b', texts);
    expect(await both).to.deep.equal(['a', 'b']);
    const error = await rejected(broker.untilPublished('c', 3, { ...texts, timeout: 5 }));
    expect(error.name).to.equal('AssertionError');
    expect(error.message).to.equal("untilPublished('c', 3): within 5 ms 2 came: ['a', 'b']");
    expect((await rejected(broker.untilPublished('d', 1, { timeout: 0 }))).message).to.contain('nothing was published');
  });

  it('remembers what expired, was wiped or came from another handle; not what was refused', async () => {
    const small = testBroker({ maxMessages: 1 });
    const other = small.handle();
    await small.publish('c', 'a', texts);
    await other.publish('c', 'b', texts);
    small.faults.wipe();
    small.faults.refuse(1);
    expect((await rejected(small.publish('c', 'no', texts))).name).to.equal('PublishError');
    await small.publish('c', 'c', texts);
    expect(small.published('c', texts)).to.deep.equal(['a', 'b', 'c']);
    expect(other.published('c', texts)).to.deep.equal(['a', 'b', 'c']);
    await Promise.all([small.close(), other.close()]);
  });

  it('says which message a codec cannot decode', async () => {
    await broker.publish('c', new Uint8Array([0xff]));
    const error = thrown(() => broker.published('c', texts));
    expect(error).to.be.instanceOf(DecodeError);
    expect(error.message).to.match(/^published\('c'\): the codec cannot decode the message at offset 1: /);
  });

  it('tells each delivery apart after a release, and one message for copies', async () => {
    broker.faults.duplicate(1);
    const seen: string[] = [];
    const subscription = broker
      .messages('c', { ...texts, ackWait: 20 })
      .pipe(tap(({ value, redelivered }) => seen.push(redelivered ? `${value}+` : value)))
      .subscribe();
    await broker.publish('c', 'a', texts);
    const { deliveries } = broker;
    const recording = deliveries.call(broker, 'c');
    const [first, copy] = await recording.next(2);
    expect(seen).to.deep.equal(['a', 'a+']);
    expect(recording.open).to.deep.equal(['a']);
    copy?.release();
    expect(first?.outcome).to.equal('release');
    const again = await recording.next();
    expect(again.redelivered).to.equal(true);
    again.ack();
    expect([recording.released, recording.acked, recording.open]).to.deep.equal([['a'], ['a'], []]);
    subscription.unsubscribe();
  });

  it('sees work fail, and come again', async () => {
    const virtual = testBroker({ time: 'virtual' });
    bill(virtual, ({ id }, times) => id === 2 && times === 1);
    for (const id of [1, 2, 3]) await virtual.publish('orders', { id }, { codec });
    const orders = virtual.deliveries('orders');
    await orders.settled(2);
    expect(orders.released).to.deep.equal([{ id: 2 }]);
    expect(virtual.published('bills', { codec })).to.deep.equal([{ id: 100 }, { id: 300 }]);
    await virtual.advance(1000);
    expect(orders.acked).to.deep.equal([{ id: 1 }, { id: 3 }, { id: 2 }]);
    expect(virtual.published('bills', { codec })).to.deep.equal([{ id: 100 }, { id: 300 }, { id: 200 }]);
    await virtual.close();
  });

  it('sees a program through a dropped connection', async () => {
    const virtual = testBroker({ time: 'virtual' });
    bill(virtual);
    await virtual.publish('orders', { id: 1 }, { codec });
    await virtual.deliveries('orders').settled(1);
    virtual.faults.drop({ for: 500 });
    const second = virtual.publish('orders', { id: 2 }, { codec });
    await virtual.advance(400);
    expect(virtual.published('orders', { codec })).to.deep.equal([{ id: 1 }]);
    await virtual.advance(60_000);
    expect((await second).offset).to.equal(2n);
    expect(virtual.deliveries('orders').acked).to.deep.equal([{ id: 1 }, { id: 2 }]);
    await virtual.close();
  });

  it('sees what every subscriber of hot() has settled', async () => {
    const hot$ = broker.hot('c', texts);
    const one: string[] = [];
    const two: string[] = [];
    hot$.pipe(ackMergeMap(async ({ value }) => one.push(value))).subscribe();
    const slow = hot$.pipe(mapValue((value) => value.toUpperCase())).subscribe(({ value }) => two.push(value));
    await broker.publish('c', 'a', texts);
    const recording = broker.deliveries('c');
    await recording.next();
    await broker.publish('c', 'b', texts);
    await recording.next();
    expect([one, two, recording.acked]).to.deep.equal([['a', 'b'], ['A', 'B'], []]);
    slow.unsubscribe();
    await recording.until(({ outcome }) => outcome === 'release');
    expect(recording.released).to.deep.equal(['a', 'b']);
  });

  it('is a broker for bridgeTo', async () => {
    const target = testBroker();
    await broker.publish('from', 'a', { ...texts, key: 'k' });
    await lastValueFrom(broker.messages('from', { start: earliest(), until: untilNow() }).pipe(bridgeTo(target, 'to')));
    expect(target.publishedMessages('to', texts)[0]).to.deep.include({ value: 'a', key: text.encode('k') });
    expect(broker.deliveries('from').acked).to.have.length(1);
    await target.close();
  });

  it('forgets on clear(), and its recordings go on', async () => {
    const all = broker.deliveries('c');
    const subscription = broker.values('c', texts).subscribe();
    await broker.publish('c', 'a', texts);
    await all.next();
    broker.clear();
    expect([broker.published('c', texts), all.values]).to.deep.equal([[], []]);
    await broker.publish('c', 'b', texts);
    expect((await all.next()).value).to.equal('b');
    expect(broker.published('c', texts)).to.deep.equal(['b']);
    subscription.unsubscribe();
    const stored$ = broker.values('c', { ...texts, start: earliest(), until: untilNow() }).pipe(toArray());
    expect(await lastValueFrom(stored$)).to.deep.equal(['a', 'b']);
  });

  it('keeps as much as history says, and lets the program go on', async () => {
    const short = testBroker({ history: 2 });
    const got: string[] = [];
    short.values('c', texts).subscribe((value) => got.push(value));
    for (const value of ['a', 'b', 'c']) await short.publish('c', value, texts);
    const tooMany = await rejected(short.deliveries('c').settled(3));
    expect(tooMany).to.be.instanceOf(OverflowError);
    expect(tooMany.message).to.contain('higher history').and.to.contain("deliveries('c')");
    expect(() => short.deliveries('c').values).to.throw(OverflowError);
    expect(() => short.published('c')).to.throw(OverflowError, '2 messages are kept, and 3 were published');
    expect(got).to.deep.equal(['a', 'b', 'c']);
    short.clear();
    await short.publish('c', 'd', texts);
    expect(short.published('c', texts)).to.deep.equal(['d']);
    await short.deliveries('c').settled(1);
    await short.close();
  });

  it('records a source that retry() makes anew', async () => {
    broker.faults.restore();
    let failed = false;
    await lastValueFrom(from(['a', 'b']).pipe(broker.publishTo('c', texts)));
    const worked$ = broker.messages('c', { ...texts, start: earliest(), durable: 'd' }).pipe(
      ackConcatMap(async ({ value }) => {
        if (!failed && value === 'b') {
          failed = true;
          throw new Error('once');
        }
        return value;
      }),
      retry(1),
      filter((value) => value === 'b'),
      take(1),
    );
    await lastValueFrom(worked$);
    expect(broker.deliveries('c').acked).to.deep.equal(['a', 'b']);
    expect(broker.deliveries('c').released).to.deep.equal(['b']);
  });

  it('checks its options, also those of memory()', () => {
    const wrong = (options: object): string => thrown(() => testBroker(options)).message;
    expect(wrong({ histroy: 1 })).to.contain("there is no option 'histroy', did you mean 'history'?");
    expect(wrong({ time: 'fast' })).to.contain('testBroker(): time must be');
    expect(wrong({ maxBytes: -1 })).to.contain('maxBytes must be');
    expect(wrong({ now: 0 })).to.contain("it needs time: 'virtual'");
    expect(wrong({ history: 0 })).to.contain('history must be');
    expect(() => testBroker({ now: 0 })).to.throw(InvalidOptionError);
    expect(() => broker.published('c', { codec: {} as never })).to.throw(InvalidOptionError, 'codec must be');
    expect(() => broker.deliveries('')).to.throw(InvalidOptionError, 'channel');
    expect(broker.published('c', { codec: bytes })).to.deep.equal([]);
  });
});

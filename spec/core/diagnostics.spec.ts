import diagnostics from 'node:diagnostics_channel';
import { expect } from 'chai';
import { firstValueFrom, take, toArray } from 'rxjs';
import { BaseDelivery } from '../../lib/core/delivery.js';
import type { Diagnostics } from '../../lib/core/diagnostics.js';
import { Emission } from '../../lib/core/emission.js';
import { load, type Load } from '../../lib/core/load.js';
import { earliest, PublishError, text } from '../../lib/index.js';
import { memory, type MemoryBroker } from '../../lib/memory/index.js';

type Name = keyof Diagnostics;
type Told = { [N in Name]: { readonly name: N } & Diagnostics[N] }[Name];

const names: readonly Name[] = [
  'rx-weir:publish',
  'rx-weir:receipt',
  'rx-weir:delivery',
  'rx-weir:settle',
  'rx-weir:status',
  'rx-weir:event',
];

const loadOf = (broker: object): Load => (broker as { [load]: Load })[load];

describe('what is told on diagnostics channels', () => {
  let broker: MemoryBroker;
  let told: Told[];
  let ends: (() => void)[];

  beforeEach(() => {
    broker = memory();
    told = [];
    ends = names.map((name) => {
      const listener = (message: unknown): void => {
        told.push({ name, ...(message as object) } as Told);
      };
      diagnostics.subscribe(name, listener);
      return () => diagnostics.unsubscribe(name, listener);
    });
  });

  afterEach(async () => {
    for (const end of ends) end();
    await broker.close();
  });

  const toldOn = <N extends Name>(name: N): Extract<Told, { name: N }>[] =>
    told.filter((each): each is Extract<Told, { name: N }> => each.name === name);

  it('is each value that was accepted, and what became of it', async () => {
    const receipt = await broker.publish('a', 'hello', { codec: text });
    const [accepted] = toldOn('rx-weir:publish');
    const [done] = toldOn('rx-weir:receipt');
    expect(accepted).to.include({ broker: 'memory', channel: 'a', value: 'hello', bytes: 5 });
    expect(done).to.include({ broker: 'memory', channel: 'a' });
    expect(done!.receipt).to.deep.equal(receipt);
    expect(done!.publishing).to.equal(accepted!.publishing);
  });

  it('is what was refused', async () => {
    broker.faults.refuse(1);
    await broker.publish('a', new Uint8Array(1)).catch(() => undefined);
    expect(toldOn('rx-weir:receipt')[0]!.receipt.error).to.be.instanceOf(PublishError);
  });

  it('is each delivery, and how it was settled', async () => {
    await broker.publish('a', 'one', { codec: text });
    await broker.publish('a', 'two!', { codec: text });
    const [first, second] = await firstValueFrom(
      broker.messages('a', { codec: text, start: earliest() }).pipe(take(2), toArray()),
    );
    first!.ack();
    first!.ack();
    second!.release();
    expect(toldOn('rx-weir:delivery').map(({ bytes, delivery }) => [bytes, delivery.value])).to.deep.equal([
      [3, 'one'],
      [4, 'two!'],
    ]);
    const settled = toldOn('rx-weir:settle');
    expect(settled.map(({ outcome }) => outcome)).to.deep.equal(['ack', 'release']);
    expect(settled.map(({ delivery }) => delivery)).to.deep.equal([first, second]);
  });

  it("is a delivery that nobody has looked into, so that what is wrong in it stays the codec's to find", () => {
    class Malformed extends BaseDelivery<unknown> {
      readonly channel = 'a';
      readonly offsetKey = 1;
      readonly redelivered = false;
      readonly redeliveries = undefined;
      readonly timestamp = undefined;
      override get wireBytes(): number {
        return 7;
      }
      get payload(): Uint8Array {
        throw new Error('malformed');
      }
    }
    const emitted: unknown[] = [];
    const receiver = { next: (each: unknown) => void emitted.push(each), error: () => {}, complete: () => {} };
    const delivery = new Malformed();
    new Emission({}, receiver).emit(delivery);
    expect(emitted).to.deep.equal([delivery]);
    expect(toldOn('rx-weir:delivery').map(({ bytes }) => bytes)).to.deep.equal([7]);
  });

  it('is how a handle stands, and what happens beside the messages', async () => {
    await broker.connect();
    broker.faults.wipe();
    await broker.close();
    const statuses = toldOn('rx-weir:status');
    expect(statuses.map(({ status }) => status.state)).to.deep.equal(['connecting', 'connected', 'closed']);
    expect(new Set(statuses.map(({ handle }) => handle))).to.deep.equal(new Set([broker]));
  });

  it('is each event', async () => {
    const source = broker.messages('a').subscribe();
    await broker.publish('a', new Uint8Array(1));
    broker.faults.wipe('a');
    expect(toldOn('rx-weir:event').map(({ event }) => event.type)).to.deep.equal(['reset']);
    source.unsubscribe();
  });

  it('does not include what nobody listens to', async () => {
    for (const end of ends.splice(0)) end();
    await broker.publish('a', new Uint8Array(1));
    expect(told).to.deep.equal([]);
  });

  it('says on the handle what it holds', async () => {
    const seen = firstValueFrom(broker.messages('a'));
    await broker.publish('a', new Uint8Array(1));
    const delivery = await seen;
    expect(loadOf(broker)).to.deep.equal({ inFlight: 1, unconfirmed: 0 });
    delivery.ack();
    expect(loadOf(broker)).to.deep.equal({ inFlight: 0, unconfirmed: 0 });
  });
});

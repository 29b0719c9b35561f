import { expect } from 'chai';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { rejection } from './publishing.js';
import { valuesOf, type World } from './world.js';

type Loose = Record<string, (...given: unknown[]) => unknown>;

/** Options are checked at the call, before anything is sent, and the message names what is wrong. */
export function describeOptionErrors(world: World): void {
  const { can } = world;
  const loose = (): Loose => world.broker() as unknown as Loose;
  const refused = (call: () => unknown, ...words: string[]): void => {
    expect(call)
      .to.throw(InvalidOptionError)
      .with.property('message')
      .that.satisfies((message: string) => {
        for (const word of words) expect(message).to.include(word);
        return true;
      });
  };

  for (const method of ['messages', 'values', 'hot']) {
    it(`${method} names the option and what it accepts`, () => {
      const broker = loose();
      const call = (options: unknown) => () => broker[method]!('orders', options);
      refused(call({ maxInflight: 5 }), `${method}('orders')`, 'maxInflight', 'maxInFlight');
      refused(call({ maxInFlight: 0 }), 'maxInFlight', '0');
      refused(call({ maxInFlight: -1 }), 'maxInFlight');
      refused(call({ maxInFlight: 1.5 }), 'maxInFlight');
      refused(call({ ackWait: -5 }), 'ackWait', can.redelivery === false ? 'left out' : 'milliseconds');
      refused(call({ ackWait: Infinity }), 'ackWait');
      if (can.redelivery === false) refused(call({ ackWait: 30_000 }), 'ackWait');
      for (const kind of can.starts) refused(call({ start: kind }), 'start', `${kind}(`);
      refused(call({ start: { kind: 'fromOffset', offset: '5' } }), 'start', 'fromOffset');
      refused(call({ until: 5 }), 'until');
      refused(call({ durable: '' }), 'durable');
      refused(call({ queue: 5 }), 'queue');
      refused(call({ codec: {} }), 'codec', 'decode');
      refused(call({ onDecodeError: 'drop' }), 'onDecodeError', 'skip');
      refused(call({ signal: {} }), 'signal', 'AbortSignal');
      refused(call(5), 'options');
      refused(call(null), 'options');
    });
  }

  it('linger is an option of hot alone', () => {
    const broker = loose();
    refused(() => broker['messages']!('orders', { linger: 5 }), 'linger');
    refused(() => broker['hot']!('orders', { linger: -5 }), 'linger', 'milliseconds');
  });

  for (const method of ['sink', 'publishTo']) {
    it(`${method} names the option and what it accepts`, () => {
      const broker = loose();
      const call = (options: unknown) => () => broker[method]!('orders', options);
      refused(call({ bufer: 5 }), `${method}('orders')`, 'buffer');
      refused(call({ maxInFlight: 0 }), 'maxInFlight');
      refused(call({ buffer: -1 }), 'buffer');
      refused(call({ overflow: 'drop' }), 'overflow', 'drop-oldest');
      refused(call({ codec: { decode: () => 1 } }), 'codec', 'encode');
      refused(call({ message: {} }), 'message', 'a function');
      refused(call({ resend: 'yes' }), 'resend');
      refused(call(5), 'options');
      refused(call(null), 'options');
    });
  }

  it('onError is an option of publishTo and publishFrom alone', () => {
    const broker = loose();
    refused(() => broker['sink']!('orders', { onError: 'emit' }), 'onError');
    refused(() => broker['publishTo']!('orders', { onError: 'ignore' }), 'onError', 'emit');
    refused(() => broker['publishFrom']!('orders', [], { onError: 'ignore' }), 'onError', 'emit');
  });

  it('publishFrom takes an iterable', () => {
    const broker = loose();
    for (const value of [5, null, undefined, {}]) refused(() => broker['publishFrom']!('orders', value), 'iterable');
  });

  for (const channel of can.badChannels) {
    it(`refuses the channel ${titleOf(channel)} everywhere`, async () => {
      const broker = loose();
      refused(() => broker['messages']!(channel), 'channel');
      refused(() => broker['hot']!(channel), 'channel');
      refused(() => broker['sink']!(channel), 'channel');
      refused(() => broker['publishTo']!(channel), 'channel');
      refused(() => broker['publishFrom']!(channel, []), 'channel');
      const calls = [broker['publish']!(channel, new Uint8Array(1)), broker['forget']!(channel, { durable: 'd' })];
      for (const call of calls) expect(await rejection(call as Promise<unknown>)).to.be.instanceOf(InvalidOptionError);
    });
  }

  it('publish, connect and forget reject with what is wrong, and the handle still works', async () => {
    const broker = world.broker();
    const channel = world.channel();
    const calls = broker as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
    const errors = await Promise.all([
      rejection(calls['publish']!(channel, new Uint8Array(1), { keys: 'x' })),
      rejection(calls['publish']!(channel, new Uint8Array(1), { codec: {} })),
      rejection(calls['publish']!(channel, new Uint8Array(1), { signal: 5 })),
      rejection(calls['forget']!(channel, {})),
      rejection(calls['forget']!(channel, { durable: 5 })),
      rejection(calls['connect']!({ timeout: 5 })),
    ]);
    for (const error of errors) expect(error).to.be.instanceOf(InvalidOptionError);
    expect(errors.map(({ message }) => /keys|codec|signal|durable|timeout/.exec(message)?.[0])).to.deep.equal([
      'keys',
      'codec',
      'signal',
      'durable',
      'durable',
      'timeout',
    ]);
    const read = await world.reader(broker, channel);
    await world.put(broker, channel, '1');
    expect(valuesOf(await read.first(1))).to.deep.equal(['1']);
  });

  it('publish names all that it accepts, and takes nothing but an object with options', async () => {
    const publish = (options: unknown): Promise<{ message: string }> =>
      rejection(loose()['publish']!('orders', new Uint8Array(1), options) as Promise<unknown>);
    expect((await publish({ codecs: {} })).message)
      .to.include("did you mean 'codec'?")
      .and.include('signal');
    expect((await publish({ value: 5 })).message).to.include("no option 'value'");
    for (const options of [null, 5, 'key', []]) {
      const error = await publish(options);
      expect(error).to.be.instanceOf(InvalidOptionError);
      expect(error.message).to.include("publish('orders'): options must be an object");
    }
  });
}

/** The channel, or the beginning of a long one. */
function titleOf(channel: string): string {
  return channel.length > 60
    ? `${JSON.stringify(channel.slice(0, 8))} … of ${channel.length} characters`
    : JSON.stringify(channel);
}

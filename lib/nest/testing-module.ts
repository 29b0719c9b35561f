import { setTimeout as delay } from 'node:timers/promises';
import type { DynamicModule } from '@nestjs/common';
import { lastValueFrom, take, takeUntil, tap, timer } from 'rxjs';
import { checkOptions, checkValue, count, duration, list, text } from '../core/check.js';
import type { ConfirmedReceipt, MessageFields } from '../core/broker.js';
import type { Decoder, Encoder } from '../core/codec.js';
import type { BaseDelivery } from '../core/delivery.js';
import { BrokerTimeoutError, InvalidOptionError } from '../core/errors.js';
import { earliest } from '../core/starts.js';
import type { MemoryBroker } from '../memory/broker.js';
import type { MemoryDelivery } from '../memory/delivery.js';
import type { MemoryHandleOptions } from '../memory/options.js';
import { BrokerRegistry } from './lifecycle.js';
import { BrokerModule } from './module.js';
import { nestCommon } from './packages.js';
import { TestBroker } from './test-broker.js';
import { defaultBroker, registryToken } from './tokens.js';

/** What `BrokerTestingModule.forRoot` takes. */
export interface BrokerTestingOptions {
  /** The names of the brokers. Default: the one without a name. */
  readonly names?: readonly string[] | undefined;
}

/** What waits take. */
export interface WaitOptions {
  /**
   * Milliseconds until it rejects.
   * @defaultValue 2000
   */
  readonly timeout?: number | undefined;
}

/** What the app was given, and what it has done with it. */
export interface TestDelivery {
  readonly channel: string;
  readonly offset: bigint;
  /** As the source's codec has decoded it. */
  readonly value: unknown;
  readonly redelivered: boolean;
  /** `open`: neither acked nor released. */
  readonly outcome: 'open' | 'acked' | 'released';
}

/** A builder of `Test.createTestingModule`, as far as it is needed here. */
export interface ProviderOverrider {
  overrideProvider(token: unknown): { useValue(value: unknown): unknown };
}

/** An app or a testing module. */
export interface ProviderGetter {
  get<T>(token: string, options: { strict: false }): T;
}

const handleOptions: MemoryHandleOptions = { closeTimeout: 1_000 };

/** Milliseconds that a wait takes, where `timeout` does not say. */
const defaultTimeout = 2_000;

/** Milliseconds between two looks. */
const lookEvery = 5;

let decorated = false;

/** Puts memory brokers in the place of real ones. */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- to Nest, a module is a class
export class BrokerTestingModule {
  /**
   * A module with memory brokers, for what is tested without the app's own `BrokerModule.forRoot`.
   * @throws InvalidOptionError
   */
  static forRoot(options: BrokerTestingOptions = {}): DynamicModule {
    checkOptions<BrokerTestingOptions>('BrokerTestingModule.forRoot()', options, { names: list(text()) });
    if (!decorated) nestCommon().Module({})(BrokerTestingModule);
    decorated = true;
    const { names = [defaultBroker] } = options;
    const brokers = BrokerModule.forRoot(names.map((name) => ({ name, broker: makeTestBroker })));
    return { module: BrokerTestingModule, imports: [brokers], exports: [brokers] };
  }

  /**
   * Replaces all brokers of the app under test by memory brokers, whatever their names. What the app would make them of
   * (`broker` functions, `useFactory`, `useClass`) is not called.
   * @param builder - what `Test.createTestingModule` gave
   * @returns the builder
   */
  static overrideBrokers<B extends ProviderOverrider>(builder: B): B {
    builder.overrideProvider(registryToken).useValue(new BrokerRegistry(makeTestBroker));
    return builder;
  }
}

function makeTestBroker(): MemoryBroker {
  return new TestBroker(handleOptions).broker;
}

/** What a spec does with a broker of {@link BrokerTestingModule}: emits, waits, and looks what was acked. */
export class BrokerTester {
  private constructor(private readonly handle: TestBroker) {}

  /**
   * The tester of a broker of this app.
   * @param name - without it, the broker without a name
   * @throws InvalidOptionError where the app has none with that name, or not one that this module has made
   */
  static of(app: ProviderGetter, name: string = defaultBroker): BrokerTester {
    const where = 'BrokerTester.of()';
    const { handle } = app.get<BrokerRegistry>(registryToken, { strict: false }).get(where, name);
    if ((handle as unknown) instanceof TestBroker) return new BrokerTester(handle as unknown as TestBroker);
    throw new InvalidOptionError(
      `${where}: broker '${name}' is not one of BrokerTestingModule; use its overrideBrokers() on the testing module's builder`,
    );
  }

  /** The app's own handle. Its `faults` drop the connection, delay, duplicate and refuse. */
  get broker(): MemoryBroker {
    return this.handle.broker;
  }

  /** What the app was given so far. @param channel - of this channel only */
  deliveries(channel?: string): readonly TestDelivery[] {
    return this.handle.delivered
      .filter((each) => channel === undefined || each.channel === channel)
      .map(toTestDelivery);
  }

  /** Publishes as another process would. Without `codec`, the value is bytes. */
  emit<T>(
    channel: string,
    value: T,
    options: MessageFields & { readonly codec: Encoder<T> },
  ): Promise<ConfirmedReceipt<T>>;
  emit(channel: string, value: Uint8Array, options?: MessageFields): Promise<ConfirmedReceipt<Uint8Array>>;
  async emit(channel: string, value: unknown, options: MessageFields = {}): Promise<ConfirmedReceipt<unknown>> {
    await using other = this.broker.handle(handleOptions);
    return await other.publish(channel, value as Uint8Array, options);
  }

  /**
   * Waits until the app has acked this many messages of the channel, and resolves with all that it was given of it.
   * @throws BrokerTimeoutError that tells what it was given
   */
  async acked(channel: string, times = 1, options: WaitOptions = {}): Promise<readonly TestDelivery[]> {
    const where = `BrokerTester.acked('${channel}')`;
    checkWait(where, times, options);
    const ackedOf = (given: readonly TestDelivery[]): number =>
      new Set(given.filter(({ outcome }) => outcome === 'acked').map(({ offset }) => offset)).size;
    const deadline = performance.now() + (options.timeout ?? defaultTimeout);
    for (;;) {
      const given = this.deliveries(channel);
      if (ackedOf(given) >= times) return given;
      if (performance.now() >= deadline) {
        const open = given.filter(({ outcome }) => outcome === 'open').length;
        throw tooLate(
          where,
          `${times} acked`,
          options,
          `${ackedOf(given)} were, and ${open} of the ${given.length} given to the app are open`,
        );
      }
      await delay(lookEvery);
    }
  }

  /**
   * Waits until the channel holds this many messages, and resolves with the first of them. What `emit` has published is
   * among them.
   * @throws BrokerTimeoutError that tells how many there were
   * @throws DecodeError
   */
  published<T>(channel: string, times: number, options: WaitOptions & { readonly codec: Decoder<T> }): Promise<T[]>;
  published(channel: string, times?: number, options?: WaitOptions): Promise<Uint8Array[]>;
  async published(
    channel: string,
    times = 1,
    options: WaitOptions & { readonly codec?: Decoder<unknown> } = {},
  ): Promise<unknown[]> {
    const where = `BrokerTester.published('${channel}')`;
    const { codec: decoder, ...wait } = options;
    checkWait(where, times, wait);
    await using other = this.broker.handle(handleOptions);
    const found: unknown[] = [];
    const values = other.values(channel, { start: earliest(), codec: decoder as Decoder<unknown> }).pipe(
      take(times),
      tap((value) => found.push(value)),
      takeUntil(timer(options.timeout ?? defaultTimeout)),
    );
    await lastValueFrom(values, { defaultValue: undefined });
    if (found.length < times) throw tooLate(where, `${times} on the channel`, options, `there are ${found.length}`);
    return found;
  }
}

function checkWait(where: string, times: number, options: WaitOptions): void {
  checkValue(where, 'times', times, count());
  checkOptions<WaitOptions>(where, options, { timeout: duration({ min: 1 }) });
}

function tooLate(where: string, wanted: string, { timeout = defaultTimeout }: WaitOptions, found: string): Error {
  return new BrokerTimeoutError(`${where}: waited ${timeout} ms for ${wanted}; ${found}`, { broker: 'memory' });
}

function toTestDelivery(delivery: MemoryDelivery<unknown>): TestDelivery {
  const { channel, offset, value, redelivered, settled } = delivery;
  const isOpen = (delivery as unknown as BaseDelivery<unknown>).open;
  return { channel, offset, value, redelivered, outcome: settled ? 'acked' : isOpen ? 'open' : 'released' };
}

import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Status } from '../core/broker.js';
import { checkOptions, checkValue, count, duration, text, type Shape } from '../core/check.js';
import { InvalidOptionError } from '../core/errors.js';
import { firstLine } from '../core/optional-package.js';
import type { BrokerRegistry } from './lifecycle.js';
import type { ManagedBroker } from './managed-broker.js';
import type { SourceHealth } from './watched-source.js';

/** What `isAlive` and `isReady` take. */
export interface BrokerHealthOptions {
  /** The name of the broker. Default: all brokers of the app. */
  readonly broker?: string | undefined;
}

/** What `isHealthy` takes. A limit that is exceeded makes it `down`. */
export interface BrokerHealthLimits extends BrokerHealthOptions {
  /** Deliveries emitted and neither settled nor released: more than this many say that the work is stuck. Default: no limit. */
  readonly maxInFlight?: number | undefined;
  /** Values accepted for publishing and not yet confirmed. Default: no limit. */
  readonly maxUnconfirmed?: number | undefined;
  /**
   * Milliseconds without a delivery from a source of `BrokerModule.forFeature` that somebody listens to, counted from
   * its last one, and from when the broker was connected. Default: no limit.
   */
  readonly maxSilence?: number | undefined;
}

/** How one broker stands. */
export interface BrokerDetails {
  readonly state: Status['state'];
  /** When it came to be in this state, as an ISO date. */
  readonly since: string;
  /** Deliveries emitted and neither settled nor released. */
  readonly inFlight: number;
  /** Values accepted for publishing and not yet confirmed. */
  readonly unconfirmed: number;
  /** Why it is not connected, in one line. */
  readonly cause?: string;
  /** The sources of `BrokerModule.forFeature`, by their names. */
  readonly sources?: Readonly<Record<string, SourceHealth>>;
}

/** The outcome of a check, as terminus wants it. */
export type BrokerHealth = Partial<BrokerDetails> & {
  readonly status: 'up' | 'down';
  /** What is wrong. */
  readonly message?: string;
  /** Of each broker, where several were asked for. */
  readonly brokers?: Readonly<Record<string, BrokerDetails & { readonly message?: string }>>;
};

type Check = (broker: ManagedBroker) => string | undefined;

const shape: Shape<BrokerHealthOptions> = { broker: text() };
const limitsShape: Shape<BrokerHealthLimits> = {
  ...shape,
  maxInFlight: count({ min: 0 }),
  maxUnconfirmed: count({ min: 0 }),
  maxSilence: duration({ min: 1 }),
};

/**
 * Health of the brokers, from what their handles know: nothing is sent for it. Fits `HealthCheckService.check` of
 * `@nestjs/terminus` and needs no terminus itself. Provided by `BrokerModule.forRoot`.
 */
export class BrokerHealthIndicator {
  /** @internal */
  constructor(
    private readonly registry: BrokerRegistry,
    private readonly throwsDown: () => boolean = wantsErrors,
  ) {}

  /**
   * Whether a restart would not help: `down` where the handle was closed by other than the app's shutdown, or another
   * process took its name. A broker that cannot be reached is no reason to restart.
   * @throws InvalidOptionError
   */
  isAlive<Key extends string>(key: Key, options: BrokerHealthOptions = {}): Promise<Record<Key, BrokerHealth>> {
    return this.check('isAlive', key, options, shape, dead);
  }

  /**
   * Whether it can work at this moment: connected, and the app does not shut down. With `connect: false`, a broker that
   * nothing was asked of yet is ready too.
   * @throws InvalidOptionError
   */
  isReady<Key extends string>(key: Key, options: BrokerHealthOptions = {}): Promise<Record<Key, BrokerHealth>> {
    return this.check('isReady', key, options, shape, (broker) =>
      broker.stopping ? 'the app shuts down' : unreachable(broker),
    );
  }

  /**
   * Whether all is well: it can work, no source of `BrokerModule.forFeature` has ended with an error, and no limit is exceeded.
   * @throws InvalidOptionError
   */
  isHealthy<Key extends string>(key: Key, options: BrokerHealthLimits = {}): Promise<Record<Key, BrokerHealth>> {
    return this.check(
      'isHealthy',
      key,
      options,
      limitsShape,
      (broker) => dead(broker) ?? unreachable(broker) ?? failedSource(broker) ?? exceeded(broker, options),
    );
  }

  // async, so that whatever is wrong with the call rejects
  private async check<Key extends string>(
    method: string,
    key: Key,
    options: BrokerHealthLimits,
    accepted: Shape,
    problemOf: Check,
  ): Promise<Record<Key, BrokerHealth>> {
    const where = `BrokerHealthIndicator.${method}()`;
    checkValue(where, 'key', key, text());
    checkOptions(where, options, accepted);
    const brokers = options.broker === undefined ? this.registry.all : [this.registry.get(where, options.broker)];
    if (brokers.length === 0) throw new InvalidOptionError(`${where}: this app has no broker`);
    const health = healthOf(brokers, problemOf);
    const result = { [key]: health } as Record<Key, BrokerHealth>;
    if (health.status === 'down' && this.throwsDown()) throw new DownError(key, result);
    return await Promise.resolve(result);
  }
}

/** What terminus 10 and older know as a check that failed: they look at these two members, not at the class. */
class DownError extends Error {
  readonly isHealthCheckError = true;

  constructor(
    key: string,
    readonly causes: Record<string, BrokerHealth>,
  ) {
    super(`${key} is down${causes[key]?.message === undefined ? '' : `: ${causes[key].message}`}`);
    this.name = 'HealthCheckError';
  }
}

function healthOf(brokers: readonly ManagedBroker[], problemOf: Check): BrokerHealth {
  const each = brokers.map((broker) => {
    const message = problemOf(broker);
    return { name: broker.name, details: { ...detailsOf(broker), ...(message !== undefined && { message }) } };
  });
  const problems = each.filter(({ details }) => details.message !== undefined);
  const status = problems.length === 0 ? 'up' : 'down';
  const [first] = each;
  if (each.length === 1 && first !== undefined) return { status, ...first.details };
  return {
    status,
    ...(problems.length > 0 && {
      message: problems.map(({ name, details }) => `${name}: ${details.message}`).join('; '),
    }),
    brokers: Object.fromEntries(each.map(({ name, details }) => [name, details])),
  };
}

function detailsOf(broker: ManagedBroker): BrokerDetails {
  const { status, since, load, sources } = broker;
  return {
    state: status.state,
    since: new Date(since).toISOString(),
    inFlight: load.inFlight,
    unconfirmed: load.unconfirmed,
    ...(status.cause !== undefined && { cause: firstLine(status.cause) }),
    ...(sources.length > 0 && { sources: Object.fromEntries(sources.map((source) => [source.name, source.health])) }),
  };
}

function dead({ status, stopping, replaced }: ManagedBroker): string | undefined {
  if (replaced !== undefined) return `another process has its name: ${replaced}`;
  return status.state === 'closed' && !stopping ? 'its handle was closed' : undefined;
}

function unreachable({ status, connects }: ManagedBroker): string | undefined {
  if (status.state === 'connected') return undefined;
  if (status.state === 'idle' && status.cause === undefined && !connects) return undefined;
  return status.cause === undefined ? `it is ${status.state}` : `it is ${status.state}: ${firstLine(status.cause)}`;
}

function failedSource({ sources }: ManagedBroker): string | undefined {
  const failed = sources.find((source) => source.failure !== undefined);
  return failed && `source '${failed.name}' has ended: ${failed.failure}`;
}

function exceeded(broker: ManagedBroker, limits: BrokerHealthLimits): string | undefined {
  const { load, sources, since } = broker;
  const { maxInFlight = Infinity, maxUnconfirmed = Infinity, maxSilence = Infinity } = limits;
  if (load.inFlight > maxInFlight) return `${load.inFlight} deliveries are in flight, more than ${maxInFlight}`;
  if (load.unconfirmed > maxUnconfirmed) {
    return `${load.unconfirmed} publishes are unconfirmed, more than ${maxUnconfirmed}`;
  }
  const now = Date.now();
  const silent = sources.find(
    ({ health, lastAt = 0 }) => health.subscribers > 0 && now - Math.max(lastAt, since) > maxSilence,
  );
  return silent && `source '${silent.name}' has been silent for more than ${maxSilence} ms`;
}

/** Whether the installed terminus tells a check that failed by what it throws. */
function wantsErrors(): boolean {
  // as the app finds it, too: a strict package manager lets this package see its own peers only
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      const { version } = createRequire(from)('@nestjs/terminus/package.json') as { version: string };
      return Number.parseInt(version, 10) < 11;
    } catch {
      // not to be seen from here
    }
  }
  return false;
}

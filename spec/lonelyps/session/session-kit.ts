import { systemClock, type Clock } from '../../../lib/core/clock.js';
import type { WeirError } from '../../../lib/core/errors.js';
import { MemoryBody } from '../../../lib/lonelyps/body.js';
import type { Arrival } from '../../../lib/lonelyps/connection/http.js';
import { nodePlatform } from '../../../lib/lonelyps/node/platform.js';
import { resolveOptions, type LonelypsOptions } from '../../../lib/lonelyps/options.js';
import { makeSession } from '../../../lib/lonelyps/session/make-session.js';
import type { Pattern, Session, SessionHooks } from '../../../lib/lonelyps/session/session.js';
import type { ManualClock } from '../../support/manual-clock.js';
import { until } from '../../support/wait.js';

const utf8 = new TextEncoder();

export function exact(text: string): Pattern {
  return { kind: 'exact', key: `=${text}`, topic: utf8.encode(text) };
}

export function glob(text: string): Pattern {
  return { kind: 'glob', key: `*${text}`, glob: text };
}

/** What became of a message. */
export interface Outcome {
  readonly kind: 'confirmed' | 'refused' | 'uncertain' | 'unwritten';
  readonly id?: string;
  readonly notified?: number;
  readonly mayBeDuplicate?: boolean;
  readonly error?: WeirError;
}

/** A session over a real platform, and what it told. */
export class SessionRun implements SessionHooks {
  /** The names of the hooks that were called, but for arrivals. */
  readonly told: string[] = [];
  readonly arrivals: Arrival[] = [];
  readonly misses: string[] = [];
  readonly faults: WeirError[] = [];
  readonly causes: WeirError[] = [];
  lapses = 0;
  failure: WeirError | undefined;
  /** Whether arrivals are accepted. */
  accepts = true;
  readonly session: Session;

  constructor(
    options: LonelypsOptions,
    readonly clock: Clock = systemClock,
  ) {
    this.session = makeSession({
      options: resolveOptions(options, nodePlatform),
      platform: nodePlatform,
      clock,
      hooks: this,
    });
  }

  located(): void {
    this.told.push('located');
  }

  connected(again: boolean): void {
    this.told.push(again ? 'connected again' : 'connected');
  }

  lapsed(): void {
    this.lapses++;
  }

  interrupted(cause: WeirError): void {
    this.causes.push(cause);
    this.told.push('interrupted');
  }

  failed(error: WeirError): void {
    this.failure = error;
    this.told.push('failed');
  }

  drained(): void {
    this.told.push('drained');
  }

  arrived(arrival: Arrival): void {
    this.arrivals.push(arrival);
    if (this.accepts) arrival.accept(1);
  }

  missed(topic: Uint8Array): void {
    this.misses.push(new TextDecoder().decode(topic));
  }

  fault(error: WeirError): void {
    this.faults.push(error);
  }

  /** Starts it, and waits until it was told to have connected. */
  async connect(): Promise<void> {
    this.session.start();
    await this.until('connected');
  }

  until(told: string): Promise<true> {
    return until(() => this.told.includes(told), { every: 2, message: () => `'${told}' among ${this.told.join()}` });
  }

  /** Starts it, and waits for the error by which it fails. */
  async fail(): Promise<WeirError> {
    this.session.start();
    return until(() => this.failure, { every: 2, message: 'the session to fail' });
  }

  /** Waits until it can publish. */
  async outlet(): Promise<void> {
    this.session.wantOutlet();
    await until(() => this.session.writable, { every: 2 });
  }

  publish(topic: string, text: string, resend = false): Promise<Outcome> {
    const bytes = utf8.encode(text);
    const body = new MemoryBody(bytes, nodePlatform.hashing.sha512(bytes));
    this.session.wantOutlet();
    return new Promise((resolve) => {
      this.session.notify(
        { channel: topic, topic: utf8.encode(topic), body, resend },
        {
          confirmed: (id, notified, mayBeDuplicate) => {
            resolve({ kind: 'confirmed', id, notified, mayBeDuplicate });
          },
          refused: (error, id) => {
            resolve({ kind: 'refused', error, id });
          },
          uncertain: (error, id) => {
            resolve({ kind: 'uncertain', error, id });
          },
          unwritten: () => {
            resolve({ kind: 'unwritten' });
          },
        },
      );
    });
  }
}

/** Lets time pass, with what comes over the network in between, until the condition holds. */
export function passUntil<T>(clock: ManualClock, step: number, condition: () => T, message: string): Promise<unknown> {
  const pass = async (): Promise<T> => {
    const found = condition();
    if (!found) await clock.pass(step);
    return found;
  };
  return until(pass, { every: 1, message });
}

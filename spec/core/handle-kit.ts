import type { MessageFields, SourceOptions } from '../../lib/core/broker.js';
import { carries } from '../../lib/core/carriage.js';
import { kinds } from '../../lib/core/check.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { BrokerHandle, type Source } from '../../lib/core/handle.js';
import type { Receiver } from '../../lib/core/emission.js';
import type { Logger } from '../../lib/core/logger.js';
import type { Entry, PublishPort } from '../../lib/core/publisher.js';
import type { SourceSettings } from '../../lib/core/settings.js';
import { HandPort } from './publisher-kit.js';

/** A subscription by hand: it ends at the broker when it was stopped and the spec, or `abandon`, says so. */
export class HandSource implements Source {
  unsettled = 0;
  started = false;
  stopped = false;
  abandoned = false;

  constructor(
    readonly channel: string,
    readonly settings: SourceSettings,
    readonly receiver: Receiver,
    private readonly onEnd: () => void,
    private readonly log: string[],
  ) {}

  start(): void {
    this.started = true;
    this.log.push(`start ${this.channel}`);
  }

  stop(): void {
    this.stopped = true;
    this.log.push(`stop ${this.channel}`);
    if (this.unsettled === 0) this.end();
  }

  abandon(): void {
    this.abandoned = true;
    this.log.push(`abandon ${this.channel}`);
    this.end();
  }

  end(): void {
    this.onEnd();
  }
}

/** A broker whose rooms are written by hand. */
export class HandHandle extends BrokerHandle {
  readonly [carries] = { key: false, headers: false };
  readonly log: string[] = [];
  readonly sourcesMade: HandSource[] = [];
  readonly ports = new Map<string, HandPort>();
  failGoodbye = false;

  constructor(options: { closeTimeout?: number; clock?: Clock; log?: Logger } = {}) {
    const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    super({
      broker: 'memory',
      clock: options.clock ?? systemClock,
      log: options.log ?? silent,
      closeTimeout: options.closeTimeout ?? 1_000,
      sourceShape: { start: kinds('newOnly'), until: kinds('untilNow') },
    });
  }

  /** What is written to that channel by `publish()` and everybody else. */
  port(channel = 'c'): HandPort {
    let port = this.ports.get(channel);
    if (port === undefined) this.ports.set(channel, (port = new HandPort()));
    return port;
  }

  giveUp(error: InvalidOptionError): void {
    this.failAll(error);
  }

  protected checkChannel(where: string, channel: unknown): void {
    if (typeof channel !== 'string' || channel === '') throw new InvalidOptionError(`${where}: channel`);
  }

  protected checkSource(_where: string, _options: SourceOptions): void {
    // every combination is fine here
  }

  protected checkFields(where: string, fields: MessageFields): void {
    if (fields.key !== undefined) throw new InvalidOptionError(`${where}: no key`);
  }

  protected createSource(channel: string, settings: SourceSettings, receiver: Receiver, onEnd: () => void): Source {
    const source = new HandSource(channel, settings, receiver, onEnd, this.log);
    this.sourcesMade.push(source);
    return source;
  }

  protected createPort(channel: string): PublishPort {
    return this.port(channel);
  }

  protected get reachable(): boolean {
    return false;
  }

  wake(): void {
    this.log.push('wake');
    this.connecting.made();
  }

  protected drop(channel: string, position: { readonly durable: string }): Promise<void> {
    this.log.push(`drop ${channel} ${position.durable}`);
    return Promise.resolve();
  }

  protected hangUp(): Promise<void> {
    this.log.push('hang up');
    for (const port of this.ports.values()) {
      const open = port.written.filter(({ state }: Entry) => state === 'written');
      for (const entry of open) entry.publisher.lost([entry], 'the handle was closed', undefined);
    }
    return this.failGoodbye ? Promise.reject(new Error('no goodbye')) : Promise.resolve();
  }
}

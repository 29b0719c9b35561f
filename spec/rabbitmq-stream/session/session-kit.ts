import { expect } from 'chai';
import { ConnectionError, type WeirError } from '../../../lib/core/errors.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import type { StreamMetadata } from '../../../lib/rabbitmq-stream/codec/responses.js';
import type {
  Connection,
  ConnectionEvents,
  ConnectionOptions,
  openConnection,
} from '../../../lib/rabbitmq-stream/connection/connection.js';
import { resolveOptions, type Address, type RabbitMqStreamOptions } from '../../../lib/rabbitmq-stream/options.js';
import type { Link, PublisherHandlers, SubscriberHandlers } from '../../../lib/rabbitmq-stream/session/link.js';
import { unlessAborted } from '../../../lib/core/pause.js';
import type { LogSessionHooks } from '../../../lib/core/log-handle.js';
import { Session } from '../../../lib/rabbitmq-stream/session/session.js';
import { ManualClock, settled } from '../../support/manual-clock.js';

/** The broker's node at one end of a fake connection. */
export class FakeLink implements Connection {
  closed = false;
  /** What `close` and `destroy` were called with. */
  readonly ended: unknown[] = [];
  readonly sent: Uint8Array[] = [];
  readonly asked: number[] = [];
  /** Held back answers to `close`. */
  holdClose: Promise<void> | undefined;

  constructor(
    private readonly cluster: FakeCluster,
    readonly options: ConnectionOptions,
    readonly events: ConnectionEvents,
    readonly node: Address,
  ) {}

  get name(): string {
    return this.options.properties['connection_name'] ?? '';
  }

  get remote(): Address {
    return { host: this.options.host, port: this.options.port };
  }

  get advertised(): Address | undefined {
    return this.node;
  }

  readonly frameMax = 1_048_576;
  readonly serverProperties = new Map<string, string>();

  supports(): boolean {
    return true;
  }

  async request<R>(key: number): Promise<R> {
    this.asked.push(key);
    const answer = this.cluster.answers.get(key);
    if (this.closed) throw this.cluster.lost;
    if (!answer) throw new Error(`no answer to ${key}`);
    const given = (await answer(this)) as R;
    // a connection that was lost meanwhile answers nothing
    if (this.closed) throw this.cluster.lost;
    return given;
  }

  async metadata(streams: readonly string[]): Promise<StreamMetadata[]> {
    await this.request(keys.metadata);
    return streams.map((stream) => {
      const { code = 1, leader, replicas = [] } = this.cluster.streams.get(stream) ?? { code: 2 };
      return { stream, code, leader, replicas };
    });
  }

  send(frame: Uint8Array): boolean {
    this.sent.push(frame);
    return true;
  }

  async close(reason?: string): Promise<void> {
    this.closed = true;
    this.ended.push(reason);
    await this.holdClose;
  }

  destroy(error: WeirError): void {
    this.ended.push(error);
    this.drop(error);
  }

  /** Loses it. */
  drop(error: WeirError = this.cluster.lost): void {
    if (this.closed) return;
    this.closed = true;
    this.events.closed(error);
  }
}

/** Nodes that can be connected to, without any network. */
export class FakeCluster {
  readonly lost = new ConnectionError('the connection was lost', { broker: 'rabbitmq-stream' });
  /** Where streams are; `code` is OK where nothing is said. */
  readonly streams = new Map<string, { code?: number; leader?: Address | undefined; replicas?: Address[] }>();
  readonly answers = new Map<number, (link: FakeLink) => unknown>([[keys.metadata, () => undefined]]);
  /** Every connection that was made. */
  readonly links: FakeLink[] = [];
  /** Every address that was dialed. */
  readonly dialed: string[] = [];
  /** What dialing an address comes to: an error, or the node that is reached. */
  readonly doors = new Map<string, () => WeirError | Address>();
  /** While set, dialing waits for it. */
  gate: Promise<void> | undefined;
  /** Is told of each connection just before it is handed out. */
  onOpen: ((link: FakeLink) => void) | undefined;

  readonly open: typeof openConnection = async (options, events, signal) => {
    signal?.throwIfAborted();
    const address = { host: options.host, port: options.port };
    this.dialed.push(`${address.host}:${address.port}`);
    if (this.gate) await unlessAborted(this.gate, signal);
    const door = this.doors.get(`${address.host}:${address.port}`)?.() ?? address;
    if (door instanceof Error) throw door;
    const link = new FakeLink(this, options, events, door);
    this.links.push(link);
    this.onOpen?.(link);
    return link;
  };

  /** The open connections whose names end so. */
  named(ending: RegExp): FakeLink[] {
    return this.links.filter(({ name, closed }) => !closed && ending.test(name));
  }

  get locator(): FakeLink {
    return this.named(/-locator$/)[0] as FakeLink;
  }

  refuse(address: string, error: WeirError = refused(address)): void {
    this.doors.set(address, () => error);
  }

  accept(address: string): void {
    this.doors.delete(address);
  }
}

export function refused(address: string): ConnectionError {
  return new ConnectionError(`nobody listens at ${address}`, { detail: { code: 'ECONNREFUSED' } });
}

/** A node of a fake cluster. */
export function node(host: string, port = 5552): Address {
  return { host, port };
}

/** A session over a fake cluster, whose hooks are written down. */
export class Watched {
  readonly cluster: FakeCluster;
  readonly clock = new ManualClock();
  /** `located`, `connected false`, `interrupted`, `failed CONNECTION`. */
  readonly story: string[] = [];
  readonly errors: WeirError[] = [];
  readonly session: Session;
  /** Is called by each hook. */
  onHook: ((hook: keyof LogSessionHooks) => void) | undefined;

  constructor(options: RabbitMqStreamOptions = { host: 'a' }, cluster = new FakeCluster()) {
    this.cluster = cluster;
    const note = (hook: keyof LogSessionHooks, word?: string, error?: WeirError): void => {
      this.story.push(word === undefined ? hook : `${hook} ${word}`);
      if (error) this.errors.push(error);
      this.onHook?.(hook);
    };
    this.session = new Session({
      options: resolveOptions(options),
      clock: this.clock,
      open: cluster.open,
      hooks: {
        located: () => note('located'),
        connected: (again) => note('connected', String(again)),
        interrupted: (cause) => note('interrupted', undefined, cause),
        failed: (error) => note('failed', error.code, error),
      },
    });
  }

  async started(): Promise<this> {
    this.session.start();
    await settled();
    expect(this.story.at(-1)).to.equal('connected false');
    return this;
  }

  async close(): Promise<void> {
    const closing = this.session.close(100);
    await this.clock.pass(100);
    await closing;
    expect(this.clock.size, 'timers left').to.equal(0);
  }
}

/** A publisher that writes down what it hears. */
export class FakePublisher implements PublisherHandlers {
  readonly heard: string[] = [];
  readonly losses: WeirError[] = [];
  id = -1;

  on(link: Link, stream: string): this {
    this.id = link.addPublisher(stream, this);
    return this;
  }

  confirmed(_bytes: Uint8Array, start: number, count: number): void {
    this.heard.push(`confirmed ${start} ${count}`);
  }

  refused(id: number | bigint, code: number): void {
    this.heard.push(`refused ${id} ${code}`);
  }

  drained(): void {
    this.heard.push('drained');
  }

  lost(error: WeirError): void {
    this.losses.push(error);
    this.heard.push(`lost ${error.code}`);
  }
}

/** A subscription that writes down what it hears. */
export class FakeSubscriber implements SubscriberHandlers {
  readonly heard: string[] = [];
  id = -1;

  on(link: Link, stream: string): this {
    this.id = link.addSubscriber(stream, this);
    return this;
  }

  deliver(_bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    this.heard.push(`deliver ${start} ${end} ${owned}`);
  }

  flushed(): void {
    this.heard.push('flushed');
  }

  update(active: boolean): void {
    this.heard.push(`update ${active}`);
  }

  refused(code: number): void {
    this.heard.push(`refused ${code}`);
  }

  lost(error: WeirError): void {
    this.heard.push(`lost ${error.code}`);
  }
}

/** The error with which a promise rejects. */
export async function failureOf(promise: Promise<unknown>): Promise<WeirError> {
  try {
    await promise;
  } catch (error) {
    return error as WeirError;
  }
  throw new Error('it did not reject');
}

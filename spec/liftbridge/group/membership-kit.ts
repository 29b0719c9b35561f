import { reconnectPolicy, type ReconnectOptions } from '../../../lib/core/backoff.js';
import { ConnectionError, StreamUnavailableError, type WeirError } from '../../../lib/core/errors.js';
import { silent } from '../../../lib/core/logger.js';
import { Retries } from '../../../lib/core/retries.js';
import { frameOf } from '../../../lib/liftbridge/codec/malformed.js';
import type { FetchMetadataResponse } from '../../../lib/liftbridge/codec/metadata.js';
import { Reader } from '../../../lib/core/wire/reader.js';
import { Writer } from '../../../lib/core/wire/writer.js';
import type { CallStatus } from '../../../lib/liftbridge/connection/call.js';
import type { Assignment } from '../../../lib/liftbridge/group/membership.js';
import { Membership, type MembershipHandlers } from '../../../lib/liftbridge/group/membership.js';
import { HandClock } from '../../core/log-intake-kit.js';

/** The calls of a member, by what they are for. */
export type Asked = 'join' | 'leave' | 'assignment' | 'look' | 'report';

/** What happens to a call instead of an answer: a refusal, an error of the connection, or nothing at all. */
export type Trouble = CallStatus | WeirError | 'silence';

/** The texts with which the server refuses; all but 'no group' have the code FAILED_PRECONDITION. */
export const refusals = {
  epoch: refusal('client-provided group epoch differs from broker group epoch'),
  coordinator: refusal('broker is not the consumer group coordinator'),
  stranger: refusal('consumer is not a member of the consumer group'),
  noGroup: refusal('consumer group does not exist', 5, 'NOT_FOUND'),
  member: refusal('consumer is already a member of the consumer group'),
  made: refusal('consumer group already exists'),
  noStream: refusal('stream does not exist'),
} as const;

/** The status of a call that was refused. */
export function refusal(message: string, code = 9, name = 'FAILED_PRECONDITION'): CallStatus {
  return { code, name, message };
}

/** How the bench differs from a member that reads 'orders' in a group with a server's usual timeouts. */
export interface BenchOptions {
  readonly consumerTimeout?: number;
  readonly coordinatorTimeout?: number;
  readonly reconnect?: ReconnectOptions;
}

/** A member whose group is a few fields, on a clock that is moved by hand. What it asks and is told is written down. */
export class GroupBench implements MembershipHandlers {
  readonly clock = new HandClock();
  readonly membership: Membership;
  /** What the cluster holds. */
  coordinator = 'n1';
  epoch = 7n;
  partitions = [0, 1];
  hasStream = true;
  hasGroup = true;
  /** What a broker that is asked for metadata holds instead. */
  lagging: { readonly coordinator: string; readonly epoch: bigint } | undefined;
  up = true;
  /** What was asked and told since the last look; a consumer id is written as its first letters. */
  log: string[] = [];
  /** All ids that have joined. */
  readonly ids: string[] = [];
  readonly left: string[] = [];
  readonly assignments: Assignment[] = [];
  failure: WeirError | undefined;
  suspendedBy: WeirError | undefined;
  private readonly troubles: { readonly asked: Asked; readonly trouble: Trouble; times: number }[] = [];
  private readonly retries: Retries;
  private epochs = 1;

  constructor(private readonly options: BenchOptions = {}) {
    this.retries = new Retries({
      broker: 'liftbridge',
      options: {
        reconnect: reconnectPolicy({ jitter: 0, ...options.reconnect }),
        connectTimeout: 10_000,
        logger: silent,
      },
      clock: this.clock,
      epoch: () => this.epochs,
    });
    const host = { session: this, clock: this.clock, log: silent };
    this.membership = new Membership(host, { group: 'g', stream: 'orders' }, this);
  }

  /** What was written down since the last look. */
  take(): string {
    const seen = this.log.join(' ');
    this.log = [];
    return seen;
  }

  /** What was told, without what was asked, since the last look. */
  told(): string {
    const seen = this.log.filter((line) => /^(assigned|revoked|failed)/.test(line)).join(' ');
    this.log = [];
    return seen;
  }

  /** From here on, so many such calls come to that instead. */
  trouble(asked: Asked, trouble: Trouble, times = 1): void {
    this.troubles.push({ asked, trouble, times });
  }

  /** No call comes to trouble any more. */
  calm(): void {
    this.troubles.length = 0;
  }

  /** Lets microtasks run. */
  async settle(): Promise<void> {
    await new Promise(setImmediate);
  }

  /** Lets so many milliseconds pass, ten at a time. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 10) {
      this.clock.pass(Math.min(10, left));
      await this.settle();
    }
  }

  /** Joins, gives a sign of life a second later, and forgets what was written down. */
  async joined(): Promise<this> {
    this.membership.start();
    await this.settle();
    // brokers have heard of it by then
    await this.pass(1_000);
    this.membership.refresh();
    await this.settle();
    this.log = [];
    return this;
  }

  /** The session is given up. */
  giveUp(error: WeirError): void {
    this.retries.doom()(error);
  }

  assigned(assignment: Assignment): void {
    this.assignments.push(assignment);
    this.log.push(`assigned:${assignment.partitions.join('')}@${assignment.epoch}`);
  }

  revoked(): void {
    this.log.push('revoked');
  }

  failed(error: WeirError): void {
    this.failure = error;
    this.log.push(`failed:${error.code}`);
  }

  // what follows is the session

  retry(
    attempt: (signal: AbortSignal) => Promise<void>,
    failed: (error: WeirError) => void,
    after?: WeirError,
  ): () => void {
    if (after) this.log.push('retry');
    return this.retries.add(attempt, failed, after);
  }

  suspended(_who: object, cause: WeirError): void {
    this.suspendedBy = cause;
  }

  resumed(): void {
    this.suspendedBy = undefined;
  }

  async call<T>(method: string, request: Uint8Array, options: CallLike<T>): Promise<T> {
    const fields = stringsOf(request);
    const [, consumerId = ''] = fields;
    switch (method) {
      case 'JoinConsumerGroup':
        this.ids.push(consumerId);
        return this.answer('join', '', options, () =>
          new Writer()
            .string(1, this.coordinator)
            .int64(2, this.epoch)
            .int64(3, (this.options.consumerTimeout ?? 10_000) * 1_000_000)
            .int64(4, (this.options.coordinatorTimeout ?? 10_000) * 1_000_000),
        );
      case 'LeaveConsumerGroup':
        this.left.push(consumerId);
        return this.answer('leave', '', options, () => new Writer());
      case 'ReportConsumerGroupCoordinator':
        return this.answer('report', fields[2] ?? '', options, () => new Writer());
      default:
        throw new Error(`no such method: ${method}`);
    }
  }

  metadata(_request: unknown, signal?: AbortSignal): Promise<FetchMetadataResponse> {
    const { coordinator, epoch } = this.lagging ?? this;
    const options = { decode: () => undefined, signal };
    return this.answer('look', '', options, () => new Writer()).then(() => ({
      brokers: [],
      streams: [
        {
          name: 'orders',
          subject: 'orders',
          error: this.hasStream ? 0 : 1,
          partitions: new Map(),
          creationTimestamp: 1n,
        },
      ],
      groups: [{ groupId: 'g', error: this.hasGroup ? 0 : 1, coordinator, epoch }],
    }));
  }

  broker(id: string): Promise<{ unary<T>(method: string, request: Uint8Array, options: CallLike<T>): Promise<T> }> {
    return Promise.resolve({
      unary: (_method, request, options) => {
        const isStale = epochOf(request) !== this.epoch;
        const refused = id !== this.coordinator ? refusals.coordinator : isStale ? refusals.epoch : undefined;
        return this.answer(
          'assignment',
          id,
          options,
          () => {
            const list = (stream: string, partitions: readonly number[]): Uint8Array =>
              new Writer().string(1, stream).int32s(2, partitions).finish();
            return new Writer()
              .int64(1, this.epoch)
              .bytes(2, list('others', [9]))
              .bytes(2, list('orders', [...this.partitions].reverse()));
          },
          refused,
        );
      },
    });
  }

  private answer<T>(
    asked: Asked,
    of: string,
    options: CallLike<T>,
    answer: () => Writer,
    refused?: CallStatus,
  ): Promise<T> {
    this.log.push(of === '' ? asked : `${asked}:${of}`);
    const trouble = this.nextTrouble(asked) ?? refused;
    if (trouble === undefined) return Promise.resolve(options.decode(answer().finish()));
    if (trouble === 'silence') {
      return new Promise((_, reject) => {
        options.signal?.addEventListener('abort', () => {
          reject(options.signal?.reason as Error);
        });
      });
    }
    if (trouble instanceof Error) return Promise.reject(trouble);
    return Promise.reject(options.fail?.(trouble) ?? new StreamUnavailableError(trouble.message));
  }

  private nextTrouble(asked: Asked): Trouble | undefined {
    const next = this.troubles.find((each) => each.asked === asked && each.times > 0);
    if (next) next.times--;
    return next?.trouble;
  }
}

/** The connection to a broker is gone. */
export function lost(): ConnectionError {
  return new ConnectionError('the connection was lost', { broker: 'liftbridge' });
}

interface CallLike<T> {
  decode(bytes: Uint8Array): T;
  readonly fail?: ((status: CallStatus) => WeirError | undefined) | undefined;
  readonly signal?: AbortSignal | undefined;
}

function stringsOf(request: Uint8Array): string[] {
  const reader = new Reader(request, frameOf('request'));
  const texts: string[] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field <= 3) texts.push(reader.string());
    else reader.skip();
  }
  return texts;
}

function epochOf(request: Uint8Array): bigint {
  const reader = new Reader(request, frameOf('request'));
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 3) return reader.uint64();
    reader.skip();
  }
  return 0n;
}

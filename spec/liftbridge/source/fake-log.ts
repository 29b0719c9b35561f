import type { Call, CallHandlers } from '../../../lib/liftbridge/connection/call.js';
import { type ProtocolError, type WeirError } from '../../../lib/core/errors.js';
import { grpcStatusName } from '../../../lib/liftbridge/codec/grpc-status.js';
import { startPositions } from '../../../lib/liftbridge/codec/enums.js';
import { theirEncode } from '../codec/oracle.js';

/** What a Subscribe call asks for. */
export interface Asked {
  readonly partition: number;
  readonly startPosition: string | number;
  readonly startOffset: bigint;
  readonly resume: boolean;
  readonly consumer: { readonly groupId: string; readonly groupEpoch: bigint; readonly consumerId: string } | null;
}

interface Message {
  readonly offset: number;
  /** Nanoseconds. */
  readonly timestamp: bigint;
  readonly value: string;
}

/** One message a millisecond, from here on. */
const firstTime = 1_700_000_000_000_000_000n;
/** A message lies somewhere in a read of the socket. */
const readSize = 4_096;
const before = 7;

/** A partition as its leader has it. */
export class FakeLog {
  readonly messages: Message[] = [];
  readonly calls = new Set<FakeSubscribe>();
  /** What no reader gets whole. */
  readonly malformed = new Set<number>();
  isReadonly = false;
  isPaused = false;
  /** Counts the time up. */
  ticks = 0n;
  private next = 0;

  constructor(readonly partition: number) {}

  get newest(): number | undefined {
    return this.messages.at(-1)?.offset;
  }

  append(...values: string[]): void {
    for (const value of values) this.put(this.next, value);
  }

  /** Stores one at an offset, behind a hole. */
  put(offset: number, value = String(offset)): void {
    this.messages.push({ offset, timestamp: firstTime + this.ticks++ * 1_000_000n, value });
    this.next = offset + 1;
    for (const call of [...this.calls]) call.pump();
  }

  /** Retention removes all below an offset. */
  remove(below: number): void {
    this.messages.splice(
      0,
      this.messages.findIndex(({ offset }) => offset >= below),
    );
  }

  /** A leader is elected that has only what lies below an offset. */
  truncate(from: number): void {
    const at = this.messages.findIndex(({ offset }) => offset >= from);
    if (at >= 0) this.messages.splice(at);
    this.next = from;
  }

  /** A group's member reads from here on: who did before is told so, unless it is later. */
  taken(epoch: bigint): void {
    for (const call of [...this.calls]) {
      const { consumer } = call.asked;
      if (consumer && consumer.groupEpoch <= epoch) call.end(0);
    }
  }

  fences(epoch: bigint): boolean {
    return [...this.calls].some(({ asked }) => asked.consumer !== null && asked.consumer.groupEpoch > epoch);
  }

  bytesOf({ offset, timestamp, value }: Message): Uint8Array {
    if (this.malformed.has(offset)) return Uint8Array.of(0x1a, 0x7f);
    const { partition } = this;
    return theirEncode('Message', {
      offset: BigInt(offset),
      timestamp,
      value: Buffer.from(value),
      ...(value.startsWith('key') && { key: Buffer.from(value) }),
      stream: 'orders',
      partition,
      subject: 'orders',
      headers: { subject: Buffer.from('orders'), reply: new Uint8Array() },
    });
  }
}

/** A Subscribe call on a fake log, which says what the log has, or what the spec wants. */
export class FakeSubscribe implements Call {
  readonly unseen = false;
  open = true;
  accepted = false;
  cancelled = false;
  /** Whether reading was stopped. */
  stopped = false;
  private at: number;
  private pumping = false;
  private ending: (() => void) | undefined;

  constructor(
    readonly log: FakeLog,
    readonly handlers: CallHandlers,
    readonly asked: Asked,
  ) {
    const newest = log.newest === undefined ? 0 : log.newest + 1;
    const { startPosition, startOffset } = asked;
    const position = typeof startPosition === 'string' ? positions.get(startPosition) : startPosition;
    this.at =
      position === startPositions.earliest ? 0 : position === startPositions.offset ? Number(startOffset) : newest;
  }

  /** As a server does it. */
  serve(): void {
    if (!this.open) return;
    const { log, asked } = this;
    if (asked.consumer && log.fences(asked.consumer.groupEpoch)) {
      this.end(9, 'Consumer is not currently assigned this partition');
      return;
    }
    if (log.isPaused && !asked.resume) {
      this.end(13, 'Failed to create stream reader: segment has been closed');
      return;
    }
    log.isPaused = false;
    if (asked.consumer) log.taken(asked.consumer.groupEpoch);
    this.accept();
    if (log.isReadonly) this.end(8, 'End of readonly partition');
  }

  accept(): void {
    this.accepted = true;
    this.log.calls.add(this);
    this.handlers.message(new Uint8Array(), 0, 0);
    this.pump();
  }

  /** Sends what is there and was not sent yet. */
  pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    while (this.open && this.accepted && !this.stopped) {
      const next = this.log.messages.find(({ offset }) => offset >= this.at);
      if (next === undefined) break;
      this.at = next.offset + 1;
      this.hand(this.log.bytesOf(next));
    }
    this.pumping = false;
    if (!this.stopped) this.ending?.();
  }

  write(): boolean {
    return false;
  }

  halfClose(): void {
    // it was with the request
  }

  resume(): void {
    if (!this.open || !this.stopped) return;
    this.stopped = false;
    this.pump();
  }

  cancel(): void {
    if (!this.open) return;
    this.cancelled = true;
    this.leave();
  }

  /** A status waits until all before it was handed over; the end of a connection does not. */
  end(code: number, message = '', cause?: WeirError): void {
    const end = (): void => {
      if (!this.open) return;
      this.leave();
      this.handlers.ended({ code, name: grpcStatusName(code), message }, cause);
    };
    if (this.stopped && cause === undefined) this.ending = end;
    else end();
  }

  private hand(message: Uint8Array): void {
    const chunk = new Uint8Array(readSize).fill(0xff);
    chunk.set(message, before);
    try {
      if (!this.handlers.message(chunk, before, before + message.length)) this.stopped = true;
    } catch (error) {
      this.stopped = false;
      this.end(13, 'malformed', error as ProtocolError);
    }
  }

  private leave(): void {
    this.open = false;
    this.log.calls.delete(this);
  }
}

const positions = new Map<string, number>(
  Object.entries({ NEW_ONLY: 0, OFFSET: startPositions.offset, EARLIEST: startPositions.earliest, LATEST: 3 }),
);

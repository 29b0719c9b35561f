import { lastValueFrom, tap, type Observable } from 'rxjs';
import type { Delivery } from '../../../lib/core/delivery.js';
import { ackConcatMap } from '../../../lib/operators/ack-concat-map.js';
import { Gauge, type Growth } from './gauge.js';

/** How a backlog is walked over. */
export interface WalkPlan {
  readonly count: number;
  readonly window: number;
  /** Messages between two turns that are left to others. */
  readonly stride: number;
  /** Messages after which memory is looked at for the first time: the code and the first windows are warm by then. */
  readonly warm: number;
  /**
   * Whether deliveries stay unsettled, up to half a window of them: one of each buffer that values are views of, or one in
   * so many.
   */
  readonly holds?: 'one of each buffer' | number;
}

/** What came of it. */
export interface WalkReport extends Growth {
  readonly seen: number;
  /** Of all values. */
  readonly bytes: number;
  readonly held: number;
  readonly mostUnsettled: number;
}

/**
 * Walks slowly over a backlog, in order, and watches the memory that this takes.
 * @param deliveries - with the window of the plan; completes behind the last
 * @param bytesOf - the bytes of a value
 */
export async function walk(
  deliveries: Observable<Delivery<unknown>>,
  plan: WalkPlan,
  bytesOf: (value: unknown) => Uint8Array,
): Promise<WalkReport> {
  const { count, window, stride, warm, holds } = plan;
  let gauge: Gauge | undefined;
  let seen = 0;
  let bytes = 0;
  let unsettled = 0;
  let mostUnsettled = 0;
  let mostHeld = 0;

  const look = (): void => {
    seen++;
    if (seen === warm) gauge = new Gauge();
    if (gauge === undefined) return;
    if (seen % Math.ceil(count / 400) === 0) gauge.lookAtRss();
    if (seen % Math.ceil(count / 20) === 0) gauge.lookAtManaged();
  };

  const walked = deliveries.pipe(
    tap((delivery) => {
      mostUnsettled = Math.max(mostUnsettled, ++unsettled);
      bytes += bytesOf(delivery.value).length;
    }),
  );

  const settle = (delivery: Delivery<unknown>): void => {
    unsettled--;
    delivery.ack();
  };

  /** Of those that are held, the oldest makes room for the next. */
  const holdSome = async (): Promise<void> => {
    const arrived: Delivery<unknown>[] = [];
    const held: Delivery<unknown>[] = [];
    let last: ArrayBufferLike | undefined;
    let failure: unknown;
    let over = false;
    const isHeld = ({ value }: Delivery<unknown>): boolean => {
      if (typeof holds === 'number') return seen % holds === 0;
      const { buffer } = bytesOf(value);
      const isOther = buffer !== last;
      last = buffer;
      return isOther;
    };
    walked.subscribe({
      next: (delivery) => arrived.push(delivery),
      error: (error: unknown) => {
        failure = error ?? new Error('it failed');
        over = true;
      },
      complete: () => {
        over = true;
      },
    });
    while (!over || arrived.length > 0) {
      for (const delivery of arrived.splice(0, stride)) {
        if (isHeld(delivery)) {
          held.push(delivery);
          mostHeld = Math.max(mostHeld, held.length);
          if (held.length > window / 2) settle(held.shift()!);
        } else settle(delivery);
        look();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (failure !== undefined) throw failure as Error;
    held.forEach(settle);
  };

  if (holds !== undefined) await holdSome();
  else {
    const work = async (): Promise<void> => {
      unsettled--;
      look();
      if (seen % stride === 0) await new Promise((resolve) => setImmediate(resolve));
    };
    await lastValueFrom(walked.pipe(ackConcatMap(work)), { defaultValue: undefined });
  }
  if (gauge === undefined) throw new Error(`${seen} messages came, and memory is not looked at before ${warm}.`);
  return { seen, bytes, held: mostHeld, mostUnsettled, ...gauge.growth };
}

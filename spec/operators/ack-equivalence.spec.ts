import { expect } from 'chai';
import fc from 'fast-check';
import {
  concat,
  concatMap,
  EMPTY,
  merge,
  mergeMap,
  NEVER,
  Observable,
  of,
  throwError,
  timer,
  type SchedulerLike,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { ackMergeMap } from '../../lib/operators/ack-merge-map.js';
import { FakeDeliveries, type FakeDelivery } from '../support/fake-delivery.js';

type End = 'complete' | 'error' | 'never';

/** Emits at these times, in frames since the subscription, and then ends. */
interface Timing {
  readonly at: readonly number[];
  readonly end: End;
  readonly endAt: number;
}

interface Case {
  readonly source: Timing;
  readonly inners: readonly Timing[];
  readonly unsubscribeAt: number;
}

const end: fc.Arbitrary<End> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<End>('complete') },
  { weight: 1, arbitrary: fc.constant<End>('error') },
  { weight: 1, arbitrary: fc.constant<End>('never') },
);
const timing = (length: number, frames: number): fc.Arbitrary<Timing> =>
  fc
    .record({ at: fc.array(fc.nat(frames), { maxLength: length }), end, endAt: fc.nat(frames) })
    .map(({ at, ...rest }) => ({
      ...rest,
      at: at.sort((a, b) => a - b),
    }));
const cases: fc.Arbitrary<Case> = fc.record({
  source: timing(8, 12),
  inners: fc.array(timing(3, 6), { minLength: 1, maxLength: 8 }),
  unsubscribeAt: fc.integer({ min: 1, max: 60 }),
});

/** Zero frames mean at once, synchronously. */
function play<T>({ at, end, endAt }: Timing, value: (n: number) => T, scheduler: SchedulerLike): Observable<T> {
  const last = Math.max(endAt, at.at(-1) ?? 0);
  const wait = (frames: number): Observable<unknown> => (frames === 0 ? of(0) : timer(frames, scheduler));
  const values = at.map((frame, n) => wait(frame).pipe(mergeMap(() => of(value(n)))));
  if (end === 'never') return merge(...values, NEVER);
  const ending = end === 'error' ? throwError(() => 'an error') : EMPTY;
  return merge(...values, concat(wait(last).pipe(mergeMap(() => EMPTY)), ending));
}

type Operator = (
  project: (delivery: FakeDelivery<number>, index: number) => Observable<string>,
) => (source: Observable<FakeDelivery<number>>) => Observable<string>;

/** Everything that can be seen from outside, with its frame. */
function story({ source, inners, unsubscribeAt }: Case, operator: Operator): { story: string[]; log: string[] } {
  const scheduler = new TestScheduler(() => undefined);
  const lines: string[] = [];
  const deliveries = new FakeDeliveries();
  scheduler.run(() => {
    const tell = (what: string): void => {
      lines.push(`${scheduler.now()} ${what}`);
    };
    const told = <T>(name: string, observable: Observable<T>): Observable<T> =>
      new Observable((subscriber) => {
        tell(`^ ${name}`);
        const subscription = observable.subscribe(subscriber);
        return () => {
          // when a synchronous inner is torn down is the one thing that differs on purpose
          if (scheduler.now() > 0 && name !== 'sync') tell(`! ${name}`);
          subscription.unsubscribe();
        };
      });
    const project = (delivery: FakeDelivery<number>, index: number): Observable<string> => {
      const inner = inners[index % inners.length]!;
      const sync = inner.endAt === 0 && inner.at.every((frame) => frame === 0) && inner.end !== 'never';
      return told(
        sync ? 'sync' : `inner ${index}`,
        play(inner, (n) => `${delivery.value}.${n}`, scheduler),
      );
    };
    const subscription = told(
      'source',
      play(source, (n) => deliveries.make(n), scheduler),
    )
      .pipe(operator(project))
      .subscribe({
        next: tell,
        error: tell,
        complete: () => {
          tell('|');
        },
      });
    timer(unsubscribeAt, scheduler).subscribe(() => {
      subscription.unsubscribe();
    });
  });
  return { story: lines, log: deliveries.log };
}

describe('ackConcatMap and ackMergeMap', () => {
  it('emit, subscribe, unsubscribe and end exactly as concatMap does', () => {
    fc.assert(
      fc.property(cases, (each) => {
        const ours = story(each, (project) => ackConcatMap(project));
        expect(ours.story).to.deep.equal(story(each, (project) => concatMap(project)).story);
      }),
      { numRuns: 300 },
    );
  });

  it('emit, subscribe, unsubscribe and end exactly as mergeMap does, whatever the concurrency', () => {
    fc.assert(
      fc.property(cases, fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(Infinity)), (each, concurrency) => {
        const ours = story(each, (project) => ackMergeMap(project, { concurrency }));
        expect(ours.story).to.deep.equal(story(each, (project) => mergeMap(project, concurrency)).story);
      }),
      { numRuns: 300 },
    );
  });

  it('settle or release everything that came, once, whatever happens', () => {
    fc.assert(
      fc.property(
        cases,
        fc.constantFrom('throw', 'ack', 'release'),
        fc.integer({ min: 1, max: 5 }),
        (each, onError, concurrency) => {
          const { log } = story(each, (project) => ackMergeMap(project, { concurrency, onError }));
          const came = log.map((line) => Number(line.split(' ')[1])).sort((a, b) => a - b);
          expect(came).to.deep.equal(came.map((_, n) => n));
        },
      ),
      { numRuns: 300 },
    );
  });
});

import { expect } from 'chai';
import { concat, EMPTY, firstValueFrom, from, NEVER, of, retry, Subject, take, tap, throwError } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { place, placeOf, type Delivery } from '../../lib/core/delivery.js';
import { InvalidOptionError, OverflowError } from '../../lib/core/errors.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import { memory } from '../../lib/memory/index.js';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { ackMergeMap } from '../../lib/operators/ack-merge-map.js';
import { autoAck } from '../../lib/operators/auto-ack.js';
import { mapValue } from '../../lib/operators/map-value.js';
import { AssertionError, fakeDeliveries, fakeDelivery, outcomeOf, recorder, watch } from '../../lib/testing/index.js';
import { rejected } from './rejected.js';

const texts = { codec: text };
const soon = { timeout: 5 };

describe('testing: recorder', () => {
  it('records deliveries of any broker, and what becomes of them', async () => {
    const broker = memory();
    const letters = recorder(broker.messages('letters', { ...texts, start: earliest() }));
    for (const letter of 'abc') await broker.publish('letters', letter, texts);
    const [a, b, c] = await letters.next(3);
    a?.ack();
    b?.release();
    expect(letters.values).to.deep.equal(['a', 'b', 'c']);
    expect([letters.acked, letters.released, letters.open]).to.deep.equal([['a'], ['b'], ['c']]);
    expect(letters.deliveries.map(({ outcome }) => outcome)).to.deep.equal(['ack', 'release', 'open']);
    // what only this broker's deliveries have is there too
    expect(c?.id).to.equal(undefined);
    expect([c?.offset, c?.channel, c?.redeliveries]).to.deep.equal([3n, 'letters', 0]);
    expect(letters.subscribed).to.equal(true);
    letters.unsubscribe();
    expect(letters.subscribed).to.equal(false);
    c?.ack();
    expect(letters.acked).to.deep.equal(['a', 'c']);
    await broker.close();
  });

  it('ends with its block', async () => {
    const source = new Subject<number>();
    {
      using numbers = recorder(source);
      source.next(1);
      expect(await numbers.next()).to.equal(1);
      expect(source.observed).to.equal(true);
    }
    expect(source.observed).to.equal(false);
  });

  it('records anything else as it is', async () => {
    const error = new Error('broken');
    const numbers = recorder(
      concat(
        of(1, 2),
        throwError(() => error),
      ),
    );
    expect([numbers.values, numbers.deliveries]).to.deep.equal([
      [1, 2],
      [1, 2],
    ]);
    expect([numbers.acked, numbers.open]).to.deep.equal([[], []]);
    expect([numbers.error, numbers.completed, numbers.subscribed]).to.deep.equal([error, false, false]);
    expect(await rejected(numbers.ended())).to.equal(error);
    const empty = recorder(EMPTY);
    await empty.ended();
    expect([empty.completed, empty.error]).to.deep.equal([true, undefined]);
  });

  it('gives what came before and what comes after, each once', async () => {
    const source = new Subject<string>();
    const letters = recorder(source);
    source.next('a');
    source.next('b');
    expect(await letters.next()).to.equal('a');
    const waiting = [letters.next(), letters.next(2), letters.next()];
    for (const letter of 'cdef') source.next(letter);
    expect(await Promise.all(waiting)).to.deep.equal(['b', ['c', 'd'], 'e']);
    expect(await rejected(letters.next(2, soon))).to.be.instanceOf(AssertionError);
    // what could not be given is given to the next who asks
    expect(await letters.next()).to.equal('f');
  });

  it('says what came instead', async () => {
    const of_ = async (call: Promise<unknown>): Promise<string> => (await rejected(call)).message;
    const none = recorder(NEVER);
    expect(await of_(none.next(soon))).to.equal('next(): within 5 ms nothing came');
    expect(await of_(none.until(() => true, soon))).to.contain('until(): within 5 ms nothing came');
    expect(await of_(none.ended(soon))).to.equal('ended(): the source did not complete within 5 ms; nothing came');
    const two = recorder(concat(of('a', 'b'), NEVER));
    expect(await of_(two.next(3, soon))).to.equal("next(3): within 5 ms 2 of 3 came: ['a', 'b']");
    await two.next(2);
    expect(await of_(two.next(soon))).to.equal("next(): within 5 ms nothing came after ['a', 'b']");
    expect(await of_(two.until((letter) => letter === 'c', soon))).to.contain("['a', 'b'] came, and none of it fits");
    expect(await of_(two.settled(1, soon))).to.contain('0 of 1 were acked');
    const done = recorder(of('a'));
    expect(await of_(done.next(2))).to.equal("next(2): 1 of 2 came: ['a'], and then the source completed");
    const cause = new RangeError('no');
    const failed = recorder(throwError(() => cause));
    const error = await rejected(failed.next());
    expect(error.message).to.equal('next(): nothing came, and then the source failed with RangeError: no');
    expect(error.cause).to.equal(cause);
    const left = recorder(NEVER);
    const waiting = rejected(left.next());
    left.unsubscribe();
    expect((await waiting).message).to.contain('and then the recorder was unsubscribed');
    expect(await of_(left.ended())).to.contain('the recorder was unsubscribed');
  });

  it('fails where it was called', async () => {
    const error = await rejected(recorder(EMPTY).next());
    expect(error.stack)
      .to.match(/^AssertionError: next\(\): nothing came/)
      .and.to.contain('recorder.spec.ts');
  });

  it('waits for what fits, now or once it is settled', async () => {
    const source = new Subject<Delivery<string>>();
    const letters = recorder(source);
    const [a, b] = fakeDeliveries('ab');
    const released = letters.until(({ outcome }) => outcome === 'release');
    source.next(a!);
    source.next(b!);
    expect((await letters.until(({ value }) => value === 'b')).offset).to.equal(2n);
    letters.deliveries[1]?.release();
    expect((await released).value).to.equal('b');
    const wrong = new Error('thrown by the predicate');
    const throwing = letters.until(() => {
      throw wrong;
    });
    expect(await rejected(throwing)).to.equal(wrong);
  });

  it('knows of acks that were made elsewhere, and of copies', async () => {
    const first = fakeDelivery({ value: 'a' });
    const copy = fakeDelivery({ value: 'a', copyOf: first });
    const other = fakeDelivery({ value: 'b' });
    const letters = recorder(concat(of(first, copy, other), NEVER));
    const settled = letters.settled(2);
    first.ack();
    other.ack();
    expect(await settled).to.deep.equal(['a', 'b']);
    expect(letters.deliveries.map(({ outcome }) => outcome)).to.deep.equal(['ack', 'ack', 'ack']);
    expect(letters.acked).to.deep.equal(['a', 'b']);
  });

  it('knows of a release through a delivery of a class of its own', () => {
    const own = { value: 'x', settled: false, ack() {}, release() {} } as unknown as Delivery<string>;
    const one = recorder(of(own));
    expect(outcomeOf(own)).to.equal('open');
    one.deliveries[0]?.release();
    expect(one.released).to.deep.equal(['x']);
    expect(placeOf(one.deliveries[0]!)).to.equal(own);
    expect(place in own).to.equal(false);
  });

  it('gives up in real time, also where a runner has put fake timers in place', async () => {
    const { setTimeout: real } = globalThis;
    globalThis.setTimeout = (() => 0) as never;
    try {
      const error = await rejected(recorder(NEVER).next(soon));
      expect(error.message).to.equal('next(): within 5 ms nothing came');
    } finally {
      globalThis.setTimeout = real;
    }
  });

  it('keeps as many as limit says', async () => {
    const source = new Subject<number>();
    const numbers = recorder(source, { limit: 2 });
    for (const n of [1, 2]) source.next(n);
    const waiting = rejected(numbers.next(3));
    expect(numbers.values).to.deep.equal([1, 2]);
    source.next(3);
    expect(numbers.error).to.be.instanceOf(OverflowError);
    expect((await waiting).message).to.equal(
      'a recording keeps 2, and more came; end the source earlier (take(n), until: untilNow()), or give a higher limit',
    );
    expect(() => numbers.values).to.throw(OverflowError);
    expect(source.observed).to.equal(false);
  });

  it('checks what it is given', async () => {
    expect(() => recorder([1, 2] as never)).to.throw(InvalidOptionError, 'recorder(): source must be an Observable');
    expect(() => watch(EMPTY, { limt: 1 } as never)).to.throw(InvalidOptionError, "did you mean 'limit'?");
    const one = recorder(of(1));
    expect(await rejected(one.next(0))).to.be.instanceOf(InvalidOptionError);
    expect(await rejected(one.next(1, { timeout: -1 }))).to.be.instanceOf(InvalidOptionError);
    expect(await rejected(one.until(1 as never))).to.be.instanceOf(InvalidOptionError);
    expect(await rejected(one.settled(0.5))).to.be.instanceOf(InvalidOptionError);
  });
});

describe('testing: watch', () => {
  it('records what passes through, and what the program below does with it', async () => {
    const letters = watch(from(fakeDeliveries('abcd')));
    expect(letters.subscribed).to.equal(false);
    const done: string[] = [];
    letters.stream
      .pipe(
        ackMergeMap(
          async ({ value }) => {
            if (value === 'c') throw new Error('c is bad');
            done.push(value);
          },
          { onError: 'release' },
        ),
      )
      .subscribe();
    expect(await letters.settled(3)).to.deep.equal(['a', 'b', 'd']);
    expect([letters.released, letters.open, letters.completed]).to.deep.equal([['c'], [], true]);
    expect(done).to.deep.equal(['a', 'b', 'd']);
  });

  it('is seen through by operators: values, copies and acks', async () => {
    const broker = memory();
    for (const letter of 'ab') await broker.publish('c', letter, texts);
    broker.faults.duplicate();
    const letters = watch(broker.messages('c', { ...texts, start: earliest(), until: untilNow() }));
    const worked: string[] = [];
    const program$ = letters.stream.pipe(
      mapValue((value) => value.toUpperCase()),
      ackConcatMap(async ({ value }) => {
        await Promise.resolve();
        worked.push(value);
      }),
    );
    await recorder(program$).ended();
    expect(worked).to.deep.equal(['A', 'B']);
    expect(letters.acked).to.deep.equal(['a', 'b']);
    await broker.close();
  });

  it('goes on over several subscriptions', async () => {
    let times = 0;
    const [a, b, c] = fakeDeliveries('abc');
    const letters = watch(
      concat(
        of(a!, b!),
        throwError(() => new Error('lost')),
      ).pipe(tap({ subscribe: () => times++ })),
    );
    letters.stream.pipe(retry(1), autoAck()).subscribe({ error: () => undefined });
    expect(times).to.equal(2);
    expect(letters.values).to.deep.equal(['a', 'b', 'a', 'b']);
    expect(letters.acked).to.deep.equal(['a', 'b']);
    expect((letters.error as Error).message).to.equal('lost');
    const later = watch(from([a!, b!, c!]));
    const next = later.next(2);
    expect(await firstValueFrom(later.stream.pipe(autoAck()))).to.equal('a');
    expect(later.subscribed).to.equal(false);
    await firstValueFrom(later.stream.pipe(autoAck(), take(1)));
    expect((await next).map(({ value }) => value)).to.deep.equal(['a', 'a']);
  });
});

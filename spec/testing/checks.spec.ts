import { AssertionError as ChaiAssertionError, Assertion, expect as plain, use } from 'chai';
import { from } from 'rxjs';
import { json } from '../../lib/codec/json.js';
import { text } from '../../lib/codec/text.js';
import type { Receipt } from '../../lib/core/broker.js';
import { OverflowError } from '../../lib/core/errors.js';
import {
  assertAcked,
  assertDelivered,
  assertOpen,
  assertPublished,
  assertReceipts,
  assertReleased,
  AssertionError,
  chaiDeliveries,
  deliveryMatchers,
  fakeDeliveries,
  fakeDelivery,
  recorder,
  testBroker,
  type DeliveryAssertions,
  type DeliveryMatchers,
  type FakeDelivery,
  type MatcherResult,
} from '../../lib/testing/index.js';
import { rejected, thrown } from './rejected.js';

type WithDeliveries = DeliveryAssertions<WithDeliveries> & {
  readonly [word in 'to' | 'be' | 'have' | 'not']: WithDeliveries;
};
const expectThat = plain as unknown as (value: unknown) => WithDeliveries;

/** What jest and vitest make of `expect.extend`: enough to see a matcher called, negated, and its message shown. */
function fakeJest(
  functions: Readonly<Record<string, (received: unknown, ...expected: never[]) => MatcherResult>>,
): (received: unknown) => DeliveryMatchers<void> & { readonly not: DeliveryMatchers<void> } {
  const matchers = (received: unknown, negated: boolean): object =>
    Object.fromEntries(
      Object.entries(functions).map(([name, call]) => [
        name,
        (...expected: never[]) => {
          const { pass, message } = call(received, ...expected);
          if (pass === negated) throw new Error(message());
        },
      ]),
    );
  return (received) => ({ ...matchers(received, false), not: matchers(received, true) }) as never;
}

const jestExpect = fakeJest(deliveryMatchers);

function inAllStates(): { open: FakeDelivery<string>; acked: FakeDelivery<string>; released: FakeDelivery<string> } {
  const [open, acked, released] = fakeDeliveries(['o', 'a', 'r'], { channel: 'c' });
  acked!.ack();
  released!.release();
  return { open: open!, acked: acked!, released: released! };
}

describe('testing: assertions', () => {
  it('of what became of a delivery', () => {
    const { open, acked, released } = inAllStates();
    assertOpen(open);
    assertAcked(acked);
    assertReleased(released);
    const error = thrown(() => {
      assertAcked(open);
    });
    plain(error).to.be.instanceOf(AssertionError);
    plain(error).to.include({ name: 'AssertionError', code: 'ERR_ASSERTION', showDiff: true });
    plain(error).to.include({ actual: 'open', expected: 'acked' });
    plain(error.message).to.equal("expected the delivery of 'o' at offset 1 of 'c' to be acked, but it is open");
  });

  it('of many, of which each has to be so', () => {
    const { open, acked, released } = inAllStates();
    assertAcked([acked, acked]);
    assertOpen(recorder(from([open])));
    const error = thrown(() => {
      assertAcked(recorder(from([acked, open, released])));
    });
    plain(error.message).to.equal(
      "expected all deliveries to be acked, but the delivery of 'o' at offset 1 of 'c' is open; the delivery of 'r' at offset 3 of 'c' is released",
    );
    plain(error.actual).to.deep.equal(['acked', 'open', 'released']);
    plain(() => {
      assertAcked([]);
    }).to.throw('but there are none');
  });

  it('of values', () => {
    const letters = recorder(from(fakeDeliveries('abc')));
    assertDelivered(letters, ['a', 'b', 'c']);
    assertDelivered(recorder(from([1, 2])), [1, 2]);
    assertDelivered([fakeDelivery({ value: 1 })], [1]);
    const message = (values: string[]): string =>
      thrown(() => {
        assertDelivered(letters, values);
      }).message;
    plain(message(['a', 'x', 'c'])).to.equal(
      "expected to have delivered ['a', 'x', 'c'], but got ['a', 'b', 'c']; they differ from index 1 on: 'b' instead of 'x'",
    );
    plain(message(['a', 'b'])).to.contain("the first too many is 'c'");
    plain(message(['a', 'b', 'c', 'd'])).to.contain("the first that is missing is 'd'");
    plain(message('abc' as never)).to.contain('give an array');
  });

  it('of what was published, with a hint where the codec was forgotten', async () => {
    const broker = testBroker();
    const codec = json<{ id: number }>();
    await broker.publish('c', { id: 1 }, { codec });
    assertPublished(broker, 'c', [{ id: 1 }], { codec });
    assertPublished(broker, 'c', [codec.encode({ id: 1 })]);
    plain(() => {
      assertPublished(broker, 'c', [{ id: 1 }] as never);
    }).to.throw(AssertionError, `bytes '{"id":1}' instead of { id: 1 }; these are bytes: give a codec`);
    await broker.close();
  });

  it('of receipts', async () => {
    const broker = testBroker();
    const sink = broker.sink('c', { codec: text, maxInFlight: 1, buffer: 1 });
    const receipts = recorder(sink.receipts);
    for (const letter of 'abc') sink.next(letter);
    await receipts.next(3);
    const got: readonly Receipt<string>[] = receipts.values;
    plain(got.find(({ ok }) => !ok)?.error).to.be.instanceOf(OverflowError);
    assertReceipts(
      receipts,
      got.map((receipt) => (receipt.ok ? 'ok' : 'OVERFLOW')),
    );
    const error = thrown(() => {
      assertReceipts(receipts, ['ok', 'ok', 'ok']);
    });
    plain(error.message).to.match(
      /^expected receipts to be \['ok', 'ok', 'ok'\], but got .*'OVERFLOW'.*\n {2}OverflowError: /s,
    );
    sink.complete();
    await broker.close();
  });

  it('refuse what they cannot check', () => {
    for (const call of [
      () => {
        assertAcked('a' as never);
      },
      () => {
        assertAcked(recorder(from([1])) as never);
      },
      () => {
        assertDelivered(1 as never, []);
      },
      () => {
        assertPublished({} as never, 'c', []);
      },
      () => {
        assertReceipts([1] as never, []);
      },
    ]) {
      plain(call).to.throw(AssertionError, /^expected .+; got /);
    }
  });
});

describe('testing: deliveryMatchers', () => {
  it('are what expect.extend takes', async () => {
    const { open, acked, released } = inAllStates();
    const broker = testBroker();
    await broker.publish('c', 'a', { codec: text });
    jestExpect(acked).toBeAcked();
    jestExpect(released).toBeReleased();
    jestExpect(open).toBeOpen();
    jestExpect(recorder(from([open, acked]))).toHaveDelivered(['o', 'a']);
    jestExpect(broker).toHavePublished('c', ['a'], { codec: text });
    jestExpect(broker).not.toHavePublished('c', ['b'], { codec: text });
    jestExpect([await broker.publish('c', 'b', { codec: text })]).toHaveReceipts(['ok']);
    plain(() => {
      jestExpect(open).toBeAcked();
    }).to.throw('to be acked, but it is open');
    plain(() => {
      jestExpect(acked).not.toBeAcked();
    }).to.throw('not to be acked');
    plain(() => {
      jestExpect('acked').not.toBeAcked();
    }).to.throw(AssertionError, "got 'acked'");
    plain(() => {
      jestExpect([acked]).not.toHaveDelivered(['a']);
    }).to.throw("expected not to have delivered ['a']");
    await broker.close();
  });
});

describe('testing: chaiDeliveries', () => {
  const names = ['acked', 'released', 'open', 'delivered', 'published', 'receipts'];

  before(() => {
    use(chaiDeliveries);
  });

  // other specs share this chai
  after(() => {
    for (const name of names) delete (Assertion.prototype as unknown as Record<string, unknown>)[name];
  });

  it('is what chai.use takes', async () => {
    const { open, acked, released } = inAllStates();
    const broker = testBroker();
    await broker.publish('c', 'a', { codec: text });
    void expectThat(acked).to.be.acked;
    void expectThat(released).to.be.released;
    void expectThat([open]).to.be.open;
    void expectThat(open).not.to.be.acked;
    expectThat(recorder(from([open, acked]))).to.have.delivered(['o', 'a']);
    expectThat(broker).to.have.published('c', ['a'], { codec: text });
    expectThat([await broker.publish('c', 'b', { codec: text })]).to.have.receipts(['ok']);
    await broker.close();
  });

  it('fails with errors of chai, with a difference', () => {
    const { open, acked } = inAllStates();
    const error = thrown(() => expectThat(open).to.be.acked);
    plain(error).to.be.instanceOf(ChaiAssertionError);
    plain(error).to.include({ actual: 'open', expected: 'acked', showDiff: true });
    plain(error.message).to.contain('to be acked, but it is open');
    plain(() => expectThat(acked).not.to.be.acked).to.throw(ChaiAssertionError, 'not to be acked');
    plain(() => expectThat([open]).to.have.delivered(['x'])).to.throw(ChaiAssertionError, "'o' instead of 'x'");
    plain(() => expectThat(1).not.to.be.acked).to.throw(AssertionError, 'got 1');
  });
});

describe('testing: AssertionError', () => {
  it('shows no difference where there is none', async () => {
    const error = await rejected(recorder(from([])).next());
    plain(error).to.include({ showDiff: false, expected: undefined });
  });
});

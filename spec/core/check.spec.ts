import { expect } from 'chai';

import {
  anything,
  checkOptions,
  checkValue,
  codec,
  count,
  duration,
  either,
  flag,
  func,
  instance,
  kinds,
  leftOut,
  list,
  object,
  oneOf,
  ratio,
  required,
  secret,
  signal,
  text,
} from '../../lib/core/check.js';
import type { Checker, Shape } from '../../lib/core/check.js';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { earliest, fromAgo, fromOffset, fromTime, latest, newOnly, untilNow } from '../../lib/core/starts.js';

const where = "messages('orders')";

/** The message of the refusal; undefined if it was accepted. */
function refusal(options: unknown, shape: Shape): string | undefined {
  try {
    checkOptions(where, options, shape);
    return undefined;
  } catch (error) {
    expect(error).to.be.instanceOf(InvalidOptionError);
    const { message } = error as Error;
    expect(message).to.match(/^messages\('orders'\): /);
    return message.slice(where.length + 2);
  }
}

/** The same for one option that is named x. */
function of(checker: Checker, value: unknown): string | undefined {
  return refusal({ x: value }, { x: checker });
}

describe('checkOptions', () => {
  const shape = { maxInFlight: count(), start: kinds('newOnly'), ackWait: duration() };

  it('accepts options that are absent, empty, undefined or right', () => {
    for (const good of [undefined, {}, { maxInFlight: undefined }, { maxInFlight: 1, start: newOnly() }]) {
      expect(refusal(good, shape)).to.equal(undefined);
    }
    expect(refusal(Object.create({ maxInFlight: 1 }), shape)).to.equal(undefined);
  });

  it('names the call, the option, what it accepts and what it got', () => {
    expect(() => {
      checkOptions(where, { maxInFlight: -1 }, shape);
    }).to.throw(InvalidOptionError, "messages('orders'): maxInFlight must be an integer from 1 to 2147483647; got -1");
  });

  it('refuses what is no object', () => {
    const accepts = 'options must be an object with the options maxInFlight, start, ackWait';
    expect(refusal(null, shape)).to.equal(`${accepts}; got null`);
    expect(refusal([], shape)).to.equal(`${accepts}; got an empty array`);
    expect(refusal('x', shape)).to.equal(`${accepts}; got a string`);
    expect(refusal(() => undefined, shape)).to.equal(`${accepts}; got a function`);
  });

  it('refuses an unknown key, and guesses which was meant', () => {
    const accepted = 'accepted are maxInFlight, start, ackWait';
    expect(refusal({ maxInflight: 1 }, shape)).to.equal(
      `there is no option 'maxInflight', did you mean 'maxInFlight'? ${accepted}`,
    );
    expect(refusal({ maxInFligth: 1 }, shape)).to.contain("did you mean 'maxInFlight'?");
    expect(refusal({ strat: 1 }, shape)).to.contain("did you mean 'start'?");
    expect(refusal({ durable: 'x' }, shape)).to.equal(`there is no option 'durable'; ${accepted}`);
    expect(refusal(Object.create({ durabel: 'x' }), shape)).to.contain("there is no option 'durabel'");
    expect(refusal({ toString: 1 }, shape)).to.contain("there is no option 'toString'");
    expect(refusal({ x: 1 }, {})).to.equal("there is no option 'x'; there are no options here");
  });

  it('does not name what is to be left out among what is accepted', () => {
    const lacking: Shape = { start: kinds('newOnly'), durable: leftOut('nothing is kept here') };
    expect(refusal({ durable: undefined }, lacking)).to.equal(undefined);
    expect(refusal({ durable: 'x' }, lacking)).to.equal("durable must be left out: nothing is kept here; got 'x'");
    expect(refusal({ other: 1 }, lacking)).to.equal("there is no option 'other'; accepted are start");
  });

  it('refuses an unknown key also when its value is undefined', () => {
    expect(refusal({ ackwait: undefined }, shape)).to.contain("did you mean 'ackWait'?");
  });

  it('asks the compiler for every option of a type', () => {
    interface Options {
      readonly one?: number;
      readonly two?: string;
    }
    const whole: Shape<Options> = { one: count(), two: text() };
    checkOptions<Options>(where, { one: 1 }, whole);
    // @ts-expect-error - two is missing
    const half: Shape<Options> = { one: count() };
    expect(half).to.have.keys('one');
  });
});

describe('checkValue', () => {
  it('checks a value that is no option', () => {
    checkValue('publish', 'channel', 'orders', text());
    expect(() => {
      checkValue('publish', 'channel', '', text());
    }).to.throw(InvalidOptionError, 'publish: channel must be a non-empty string; got an empty string');
  });
});

describe('option checkers', () => {
  it('count takes integers within its limits', () => {
    for (const good of [1, 2 ** 31 - 1]) expect(of(count(), good)).to.equal(undefined);
    for (const bad of [0, -1, 1.5, 2 ** 31, NaN, Infinity, '5', 5n, null, {}]) {
      expect(of(count(), bad)).to.match(/^x must be an integer from 1 to 2147483647; got /);
    }
    expect(of(count({ min: 0, max: 3, infinity: true }), Infinity)).to.equal(undefined);
    expect(of(count({ min: 0, max: 3, infinity: true }), 4)).to.equal(
      'x must be an integer from 0 to 3, or Infinity; got 4',
    );
    expect(of(count(), 5n)).to.match(/got 5n$/);
  });

  it('duration takes milliseconds', () => {
    for (const good of [0, 0.5, 1e12]) expect(of(duration(), good)).to.equal(undefined);
    for (const bad of [-1, NaN, Infinity, '5s', new Date(0)]) {
      expect(of(duration(), bad)).to.match(/^x must be a number of milliseconds, 0 or more; got /);
    }
    expect(of(duration({ infinity: true }), Infinity)).to.equal(undefined);
    expect(of(duration({ infinity: true }), -Infinity)).to.match(/, or Infinity; got -Infinity$/);
    expect(of(duration({ min: 1, max: 9 }), 10)).to.equal('x must be a number of milliseconds from 1 to 9; got 10');
  });

  it('ratio takes fractions', () => {
    expect(of(ratio(0, 1), 0.5)).to.equal(undefined);
    expect(of(ratio(0, 1), 2)).to.equal('x must be a number from 0 to 1; got 2');
    expect(of(ratio(1), NaN)).to.equal('x must be a number of 1 or more; got NaN');
  });

  it('text takes strings that follow the rules', () => {
    expect(of(text(), 'a')).to.equal(undefined);
    expect(of(text({ empty: true }), '')).to.equal(undefined);
    expect(of(text(), '')).to.equal('x must be a non-empty string; got an empty string');
    expect(of(text(), 5)).to.equal('x must be a non-empty string; got 5');
    const word = text({ pattern: /^\w+$/g, words: 'of letters and digits' });
    expect([of(word, 'ab'), of(word, 'ab')]).to.deep.equal([undefined, undefined]);
    expect(of(word, 'a b')).to.equal("x must be a non-empty string of letters and digits; got 'a b'");
    expect(of(text({ pattern: /^a$/ }), 'b')).to.contain('that matches /^a$/');
    const durable = text({ problem: (name) => (name.includes(':') ? "':' joins durable and queue" : undefined) });
    expect(of(durable, 'a:b')).to.equal("x must be a non-empty string; got 'a:b': ':' joins durable and queue");
    expect(of(text({ pattern: /^a$/ }), 'b'.repeat(500))).to.have.length.below(200);
  });

  it('flag, func, anything, instance and signal take what they say', () => {
    expect(of(flag(), false)).to.equal(undefined);
    expect(of(flag(), 1)).to.equal('x must be true or false; got 1');
    expect(of(func(), () => 1)).to.equal(undefined);
    expect(of(func(), 'f')).to.equal("x must be a function; got 'f'");
    for (const value of [null, 1, {}]) expect(of(anything(), value)).to.equal(undefined);
    const date = instance((value) => value instanceof Date, 'a Date');
    expect(of(date, new Date())).to.equal(undefined);
    expect(of(date, new Map())).to.equal('x must be a Date; got an object of class Map');
    expect(of(signal(), new AbortController().signal)).to.equal(undefined);
    expect(of(signal(), new AbortController())).to.equal(
      'x must be an AbortSignal; got an object of class AbortController',
    );
    expect(of(signal(), null)).to.equal('x must be an AbortSignal; got null');
  });

  it('oneOf takes its values, and guesses', () => {
    const overflow = oneOf('error', 'drop-newest', 'drop-oldest');
    expect(of(overflow, 'error')).to.equal(undefined);
    expect(of(overflow, 'drop_oldest')).to.equal(
      "x must be one of 'error', 'drop-newest', 'drop-oldest'; got 'drop_oldest'; did you mean 'drop-oldest'?",
    );
    expect(of(overflow, 1)).to.match(/; got 1$/);
    expect(of(oneOf(false), true)).to.equal('x must be false; got true');
  });

  it('object checks options within an option, and names their path', () => {
    const inner = object({ ms: duration(), deep: object({ on: flag() }) });
    expect(of(inner, { ms: 1, deep: { on: true } })).to.equal(undefined);
    expect(of(inner, { ms: -1 })).to.match(/^x\.ms must be/);
    expect(of(inner, { deep: { on: 1 } })).to.match(/^x\.deep\.on must be true or false; got 1/);
    expect(of(inner, { Ms: 1 })).to.equal("there is no option 'x.Ms', did you mean 'ms'? accepted are ms, deep");
    expect(of(inner, 5)).to.equal('x must be an object with the options ms, deep; got a number');
    expect(of(inner, null)).to.match(/got null$/);
  });

  it('list checks each element, and names its place', () => {
    expect(of(list(text()), ['a', 'b'])).to.equal(undefined);
    expect(of(list(text()), ['a', 5])).to.equal('x[1] must be a non-empty string; got 5');
    expect(of(list(text()), [])).to.equal('x must be a non-empty array, each a non-empty string; got an empty array');
    expect(of(list(text(), { empty: true }), [])).to.equal(undefined);
  });

  it('either takes what one of them takes, and speaks with the one that was meant', () => {
    const servers = either(text(), list(text()));
    expect([of(servers, 'a'), of(servers, ['a'])]).to.deep.equal([undefined, undefined]);
    expect(of(servers, 5)).to.equal(
      'x must be a non-empty string, or a non-empty array, each a non-empty string; got 5',
    );
    expect(of(servers, ['a', 1])).to.equal('x[1] must be a non-empty string; got 1');
    const policy = either(oneOf('throw', 'ack'), object({ after: count(), to: func() }));
    expect(of(policy, { after: 0 })).to.match(/^x\.after must be/);
    expect(of(policy, 'thro')).to.match(/^x must be one of 'throw', 'ack', or an object with the options after, to/);
    expect(of(either(either(text(), flag()), object({})), '')).to.contain('a non-empty string; got an empty string');
  });

  it('codec takes what can do what is needed', () => {
    const both = { encode: () => new Uint8Array(), decode: () => 1 };
    expect(of(codec(), { decode: both.decode })).to.equal(undefined);
    expect(of(codec('encode', 'decode'), both)).to.equal(undefined);
    expect(of(codec(), {})).to.equal('x must be a codec (an object with encode or decode); got an object');
    expect(of(codec('encode'), { decode: both.decode })).to.match(/an object with encode\); got an object$/);
    expect(of(codec(), null)).to.match(/got null$/);
    expect(
      of(codec(), function json() {
        return both;
      }),
    ).to.match(/got the function json; call json\(\) if it makes one$/);
  });

  it('kinds takes the starts and ends that it names', () => {
    const start = kinds('newOnly', 'latest', 'fromOffset', 'fromAgo');
    for (const good of [newOnly(), latest(), fromOffset(5), fromAgo(1)]) expect(of(start, good)).to.equal(undefined);
    const accepts = 'x accepts newOnly(), latest(), fromOffset(…), fromAgo(…); got';
    expect(of(start, fromTime(0))).to.equal(`${accepts} fromTime(…)`);
    expect(of(start, earliest())).to.equal(`${accepts} earliest()`);
    expect(of(start, untilNow())).to.equal(`${accepts} untilNow()`);
    expect(of(start, 'latest')).to.equal(`${accepts} 'latest'; call latest(), imported from 'rx-weir'`);
    expect(of(start, latest)).to.equal(`${accepts} the function latest; call latest(), imported from 'rx-weir'`);
    expect(of(start, 'nonsense')).to.equal(`${accepts} 'nonsense'`);
    expect(of(start, {})).to.equal(`${accepts} an object`);
    expect(of(start, { kind: 'fromOffset', offset: 5 })).to.equal(
      `${accepts} an object made by hand: make it with fromOffset(…)`,
    );
  });

  it('required refuses what is absent', () => {
    const shape = { clusterId: required(text()) };
    expect(refusal({}, shape)).to.equal('clusterId is required; it must be a non-empty string');
    expect(refusal(undefined, shape)).to.match(/^clusterId is required/);
    expect(refusal({ clusterId: 5 }, shape)).to.match(/^clusterId must be a non-empty string; got 5/);
    expect(refusal({ clusterId: 'a' }, shape)).to.equal(undefined);
  });

  it('never prints a secret', () => {
    const token = 'hush-1234';
    const hidden = [
      text({ secret: true, pattern: /^never$/ }),
      secret(text({ pattern: /^never$/ })),
      secret(oneOf('never')),
      either(text({ secret: true, pattern: /^never$/ }), func()),
      list(text({ secret: true, pattern: /^never$/ })),
      required(secret(text({ problem: () => token }))),
    ];
    for (const checker of hidden) {
      expect(of(checker, token)).to.be.a('string').and.not.contain(token);
      expect(of(checker, token)).to.match(/got a string$/);
    }
    expect(of(list(text({ secret: true, pattern: /^never$/ })), [token])).to.equal(
      'x[0] must be a non-empty string that matches /^never$/; got a string',
    );
    expect(refusal(token, {})).not.to.contain(token);
  });

  it('prints kinds, not contents, of what could be large or private', () => {
    expect(of(flag(), { password: 'hush' })).to.match(/got an object$/);
    expect(of(flag(), ['hush'])).to.match(/got an array$/);
    expect(of(flag(), Symbol('hush'))).to.match(/got a symbol$/);
    expect(of(flag(), Object.create(null))).to.match(/got an object$/);
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { signedKinds, type Verifier } from '../../../lib/lonelyps/auth/auth.js';
import { Replays } from '../../../lib/lonelyps/auth/replays.js';
import { makeSigner } from '../../../lib/lonelyps/auth/signer.js';
import { makeVerifier } from '../../../lib/lonelyps/auth/verifier.js';
import { formatHmacHeader, toSign } from '../../../lib/lonelyps/codec/hmac-header.js';
import { signed } from '../../../lib/lonelyps/codec/signed.js';
import { utf8 } from '../codec/bytes.js';
import { identifier, keys, recovery, sha512, signedRows, timestamp, topic, url } from '../codec/signed-table.js';
import { hashing } from './hashing.js';

const none = new Uint8Array(0);
const { receive, missed } = signedKinds;
const secret = keys.toSubscriber;
const callback = (): Uint8Array => signed.receive(url, topic, identifier, sha512);

/** A verifier whose clock can be moved, and a broadcaster that signs for it. */
function setUp(replays?: Replays): {
  verifier: Verifier;
  clock: { seconds: number };
  sign: (at?: number, kind?: number, rest?: Uint8Array, tracing?: Uint8Array) => string;
} {
  const clock = { seconds: timestamp };
  let count = 0;
  return {
    clock,
    verifier: makeVerifier({ type: 'hmac', secret }, { hashing, now: () => clock.seconds * 1000 }, replays),
    sign: (at = clock.seconds, kind = receive, rest = callback(), tracing = none) => {
      const nonce = `n${String(count++)}`;
      return formatHmacHeader(at, nonce, hashing.hmacSha512(secret, toSign(kind, at, nonce, tracing, rest)));
    },
  };
}

describe('lonelyps auth: verifying', () => {
  it('none accepts anything, and asks for nothing', () => {
    const verifier = makeVerifier({ type: 'none' }, { hashing, now: Date.now });
    for (const authorization of ['', 'Bearer x', '\0']) {
      expect(verifier.verify(receive, unasked, none, authorization)).to.equal(undefined);
    }
  });

  it('a token must be there, and be the one', () => {
    const verifier = makeVerifier({ type: 'token', token: 'ts-token' }, { hashing, now: Date.now });
    const verify = (authorization: string): unknown => verifier.verify(receive, unasked, none, authorization);
    expect(verify('Bearer ts-token')).to.equal(undefined);
    expect(verify('')).to.equal('missing');
    const wrong = [
      'Bearer',
      'Bearer ',
      'bearer ts-token',
      'Bearer ts-toke',
      'Bearer ts-tokens',
      'Bearer tb-token',
      'ts-token',
      ' Bearer ts-token',
    ];
    for (const authorization of wrong) expect(verify(authorization), authorization).to.equal('wrong');
  });

  for (const { title, kind, rest, code, scheme } of signedRows) {
    it(`an HMAC of lonelypsp: kind ${String(kind)}, ${title}`, () => {
      const verifier = makeVerifier({ type: 'hmac', secret: keys[scheme] }, { hashing, now: () => timestamp * 1000 });
      const authorization = `X-HMAC ${String(timestamp)}:AbCdEf:${code}`;
      expect(verifier.verify(kind, rest, none, authorization)).to.equal(undefined);
      expect(verifier.verify(kind, rest, none, authorization)).to.equal('replayed');
    });
  }

  it('an HMAC that our own signer made', () => {
    const now = (): number => timestamp * 1000;
    const random = (length: number): Uint8Array => new Uint8Array(length);
    const signer = makeSigner({ type: 'hmac', secret }, { hashing, now, random });
    const verifier = makeVerifier({ type: 'hmac', secret }, { hashing, now });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (rest) => {
        const refusal = verifier.verify(
          missed,
          () => rest,
          none,
          signer.sign(missed, () => rest),
        );
        // the nonce is always the same here, so that the same rest is a replay
        expect([undefined, 'replayed']).to.include(refusal);
      }),
    );
  });

  it('without an HMAC: missing; with another one: wrong', () => {
    const { verifier, sign } = setUp();
    const verify = (authorization: string): unknown => verifier.verify(receive, callback, none, authorization);
    expect(verify('')).to.equal('missing');
    expect(verify('Bearer x')).to.equal('wrong');
    const good = sign();
    const code = good.length - 20;
    const changed = good.slice(0, code) + (good[code] === 'A' ? 'B' : 'A') + good.slice(code + 1);
    expect(verify(changed)).to.equal('wrong');
    expect(verify(good.replace(':n0:', ':n9:'))).to.equal('wrong');
    expect(verify(good.replace(String(timestamp), String(timestamp + 1)))).to.equal('wrong');
    expect(verify(good)).to.equal(undefined);
  });

  it('what is signed counts: kind, topic, url with its fragment, identifier, hash, tracing', () => {
    const { verifier, sign } = setUp();
    const cases: [what: string, rest: Uint8Array][] = [
      ['another url', signed.receive(`${url}#1`, topic, identifier, sha512)],
      ['another topic', signed.receive(url, utf8('foo/baz'), identifier, sha512)],
      ['another identifier', signed.receive(url, topic, utf8('abcd'), sha512)],
      ['another hash', signed.receive(url, topic, identifier, new Uint8Array(64))],
    ];
    for (const [what, rest] of cases) {
      expect(
        verifier.verify(receive, () => rest, none, sign()),
        what,
      ).to.equal('wrong');
      expect(
        verifier.verify(receive, () => rest, none, sign(timestamp, receive, rest)),
        what,
      ).to.equal(undefined);
    }
    expect(verifier.verify(receive, callback, utf8('trace'), sign())).to.equal('wrong');
    const traced = sign(timestamp, receive, callback(), utf8('trace'));
    expect(verifier.verify(receive, callback, utf8('trace'), traced)).to.equal(undefined);
    const ofMissed = sign(timestamp, missed, signed.missed(recovery, topic));
    expect(verifier.verify(receive, callback, none, ofMissed)).to.equal('wrong');
    expect(verifier.verify(receive, () => signed.missed(recovery, topic), none, ofMissed)).to.equal('wrong');
  });

  it('is good for 120 seconds in both directions, and stale at 121', () => {
    for (const [off, refusal] of [
      [-121, 'stale'],
      [-120, undefined],
      [0, undefined],
      [120, undefined],
      [121, 'stale'],
    ] as const) {
      const { verifier, sign } = setUp();
      expect(verifier.verify(receive, callback, none, sign(timestamp + off)), String(off)).to.equal(refusal);
    }
    const { verifier, sign } = setUp();
    expect(verifier.verify(receive, unasked, none, sign(999_999_999_999_999))).to.equal('stale');
    expect(verifier.verify(receive, unasked, none, sign(0))).to.equal('stale');
  });

  it('is good once, as long as it would be in time, however far ahead it is dated', () => {
    const { verifier, clock, sign } = setUp();
    const ahead = sign(timestamp + 120);
    expect(verifier.verify(receive, callback, none, ahead)).to.equal(undefined);
    for (let seconds = 0; seconds <= 260; seconds++) {
      clock.seconds = timestamp + seconds;
      // others come and go meanwhile
      expect(verifier.verify(receive, callback, none, sign())).to.equal(undefined);
      expect(verifier.verify(receive, callback, none, ahead)).to.equal(seconds <= 240 ? 'replayed' : 'stale');
    }
  });

  it('a replay without its padding is one too', () => {
    const { verifier, sign } = setUp();
    const header = sign();
    expect(verifier.verify(receive, callback, none, header)).to.equal(undefined);
    expect(verifier.verify(receive, callback, none, header.slice(0, -2))).to.equal('replayed');
  });

  it('two clients do not disturb each other', () => {
    const [one, other] = [setUp(), setUp()];
    const header = one.sign();
    expect(one.verifier.verify(receive, callback, none, header)).to.equal(undefined);
    expect(other.verifier.verify(receive, callback, none, header)).to.equal(undefined);
  });

  it('codes that are wrong take no room', () => {
    const replays = new Replays(10);
    const { verifier, sign } = setUp(replays);
    for (let i = 0; i < 50; i++) verifier.verify(missed, callback, none, sign());
    expect(replays.length).to.equal(0);
    expect(verifier.verify(receive, callback, none, sign())).to.equal(undefined);
    expect(replays.length).to.equal(1);
  });

  it('texts of chance are refused, and nothing else', () => {
    const { verifier } = setUp();
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (authorization) => {
        const refusal = verifier.verify(receive, callback, none, authorization);
        expect(refusal).to.equal(authorization === '' ? 'missing' : 'wrong');
      }),
    );
  });
});

function unasked(): never {
  throw new Error('this is not verified');
}

import { expect } from 'chai';
import { inspect } from 'node:util';
import { signedKinds } from '../../../lib/lonelyps/auth/auth.js';
import { makeAuth } from '../../../lib/lonelyps/auth/make-auth.js';
import { makeSigner } from '../../../lib/lonelyps/auth/signer.js';
import { encodeBase64Url } from '../../../lib/lonelyps/codec/base64.js';
import { parseHmacHeader } from '../../../lib/lonelyps/codec/hmac-header.js';
import { InvalidOptionError } from '../../../lib/core/errors.js';
import { keys, signedRows, timestamp } from '../codec/signed-table.js';
import { hashing } from './hashing.js';

const none = new Uint8Array(0);

/** Randomness that counts, at the time of the golden table. */
function counting(): { hashing: typeof hashing; now: () => number; random: (length: number) => Uint8Array } {
  let calls = 0;
  return {
    hashing,
    now: () => timestamp * 1000 + 999,
    random: (length) => new Uint8Array(length).fill(++calls),
  };
}

describe('lonelyps auth: signing', () => {
  it('none says nothing, and asks for nothing', () => {
    const signer = makeSigner({ type: 'none' }, counting());
    expect(signer.type).to.equal('none');
    expect(signer.sign(signedKinds.check, unasked)).to.equal('');
  });

  it('a token is said as it is, and asks for nothing', () => {
    const signer = makeSigner({ type: 'token', token: 'tb-token' }, counting());
    expect(signer.type).to.equal('token');
    expect(signer.sign(signedKinds.check, unasked)).to.equal('Bearer tb-token');
  });

  it('an HMAC has the time in whole seconds, 12 bytes of chance, and a code of what is signed', () => {
    for (const secret of [keys.toBroadcaster, encodeBase64Url(keys.toBroadcaster)]) {
      const signer = makeSigner({ type: 'hmac', secret }, counting());
      const header = parseHmacHeader(signer.sign(signedKinds.check, signedRows[5]!.rest))!;
      expect(header.timestamp).to.equal(timestamp);
      expect(header.nonce).to.equal('AQEBAQEBAQEBAQEB');
      expect(signer.type).to.equal('hmac');
    }
  });

  it('no two HMACs are the same', () => {
    const signer = makeSigner({ type: 'hmac', secret: keys.toBroadcaster }, counting());
    const made = Array.from({ length: 50 }, () => signer.sign(signedKinds.check, () => none));
    expect(new Set(made).size).to.equal(50);
  });

  it('the key is a copy', () => {
    const secret = keys.toBroadcaster.slice();
    const [one, other] = [makeSigner({ type: 'hmac', secret }, counting()), counting()];
    const before = makeSigner({ type: 'hmac', secret: keys.toBroadcaster }, other).sign(signedKinds.check, () => none);
    secret.fill(0);
    expect(one.sign(signedKinds.check, () => none)).to.equal(before);
  });

  it('a key that is none is refused, and not shown', () => {
    for (const secret of ['hush-hush', new Uint8Array(63), '']) {
      expect(() => makeSigner({ type: 'hmac', secret }, counting()))
        .to.throw(InvalidOptionError, '64 bytes')
        .with.property('message')
        .that.does.not.include('hush');
    }
  });

  it('neither inspect nor JSON shows a secret', () => {
    const secret = encodeBase64Url(keys.toBroadcaster);
    const auths = [
      makeAuth({ toBroadcaster: { type: 'hmac', secret }, toSubscriber: { type: 'hmac', secret } }, counting()),
      makeAuth(
        { toBroadcaster: { type: 'token', token: secret }, toSubscriber: { type: 'token', token: secret } },
        counting(),
      ),
    ];
    for (const auth of auths) {
      const shown = inspect(auth, { depth: 9, showHidden: true, maxArrayLength: 100 }) + JSON.stringify(auth);
      expect(shown)
        .to.not.include(secret.slice(0, 12))
        .and.not.match(/\b1,\s+2,\s+3,\s+4\b/);
    }
  });

  it('a direction that is not given is none', () => {
    const auth = makeAuth({}, counting());
    expect([auth.toBroadcaster.type, auth.toSubscriber.type]).to.deep.equal(['none', 'none']);
  });
});

function unasked(): never {
  throw new Error('this is not signed');
}

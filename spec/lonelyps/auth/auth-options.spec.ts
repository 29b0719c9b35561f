import { expect } from 'chai';
import { checkOptions, checkValue } from '../../../lib/core/check.js';
import { InvalidOptionError } from '../../../lib/core/errors.js';
import { authChecker, authShape, hmacKeyOf } from '../../../lib/lonelyps/auth/auth-options.js';
import { encodeBase64Url } from '../../../lib/lonelyps/codec/base64.js';
import { keys } from '../codec/signed-table.js';

const secret = encodeBase64Url(keys.toBroadcaster);
const check = (auth: unknown): void => {
  checkOptions('lonelyps()', auth, authShape);
  checkValue('lonelyps()', 'auth', auth, authChecker);
};

describe('lonelyps auth: options', () => {
  const good: [what: string, auth: unknown][] = [
    ['nothing', {}],
    ['undefined sides', { toBroadcaster: undefined, toSubscriber: undefined }],
    ['none', { toBroadcaster: { type: 'none' }, toSubscriber: { type: 'none' } }],
    ['tokens', { toBroadcaster: { type: 'token', token: 'a' }, toSubscriber: { type: 'token', token: 'a b~' } }],
    ['a key as text', { toBroadcaster: { type: 'hmac', secret } }],
    ['a key as bytes', { toSubscriber: { type: 'hmac', secret: keys.toBroadcaster } }],
    ['a key in a Buffer', { toSubscriber: { type: 'hmac', secret: Buffer.from(keys.toBroadcaster) } }],
  ];
  for (const [what, auth] of good) {
    it(`${what} are accepted`, () => {
      expect(() => check(auth)).to.not.throw();
    });
  }

  const bad: [what: string, side: unknown, words: string][] = [
    ['a string', 'hush-hush', 'toBroadcaster must be'],
    ['null', null, 'toBroadcaster must be'],
    ['an empty object', {}, 'toBroadcaster must be'],
    ['a type that is not known', { type: 'hush-hush' }, "toBroadcaster.type must be 'none', 'token' or 'hmac'"],
    ['a type of all objects', { type: 'toString' }, 'toBroadcaster.type must be'],
    ['no token', { type: 'token' }, 'toBroadcaster.token is required'],
    ['an empty token', { type: 'token', token: '' }, 'toBroadcaster.token must be'],
    ['a token with a line break', { type: 'token', token: 'hush-hush\n' }, 'toBroadcaster.token must be'],
    ['a token that is no ASCII', { type: 'token', token: 'hush-hüsh' }, 'printable ASCII'],
    ['a token with a space at its end', { type: 'token', token: 'hush-hush ' }, 'without spaces at its ends'],
    ['a token that is bytes', { type: 'token', token: keys.toBroadcaster }, 'toBroadcaster.token must be'],
    ['no key', { type: 'hmac' }, 'toBroadcaster.secret is required'],
    ['a key that is too short', { type: 'hmac', secret: 'hush-hush' }, '64 bytes'],
    ['a key of 63 bytes', { type: 'hmac', secret: new Uint8Array(63) }, '64 bytes'],
    ['a secret that should be a token', { type: 'token', token: 'a', secret: 'hush-hush' }, "'toBroadcaster.secret'"],
    ['a token with none', { type: 'none', token: 'hush-hush' }, "'toBroadcaster.token'"],
  ];
  for (const [what, side, words] of bad) {
    it(`${what}: an error that shows no secret`, () => {
      expect(() => checkOptions('lonelyps()', { toBroadcaster: side }, authShape))
        .to.throw(InvalidOptionError, words)
        .with.property('message')
        .that.does.not.include('hush');
      expect(() => check({ toBroadcaster: side })).to.throw(InvalidOptionError);
      expect(() => checkValue('lonelyps()', 'auth', { toBroadcaster: side }, authChecker))
        .to.throw(InvalidOptionError, words.replace(/^'?(?=toBroadcaster)/, '$&auth.'))
        .with.property('message')
        .that.does.not.include('hush');
    });
  }

  it('a key is a copy of what was given', () => {
    const given = keys.toBroadcaster.slice();
    const key = hmacKeyOf(given);
    given.fill(0);
    expect(key).to.deep.equal(keys.toBroadcaster);
    expect(hmacKeyOf(secret)).to.deep.equal(keys.toBroadcaster);
    for (const none of [undefined, 5, {}, '', 'x', [1, 2, 3]]) expect(hmacKeyOf(none)).to.equal(undefined);
  });
});

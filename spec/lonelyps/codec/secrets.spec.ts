import { expect } from 'chai';
import { inspect } from 'node:util';
import { InvalidOptionError } from '../../../lib/core/errors.js';
import { parseSecrets } from '../../../lib/lonelyps/codec/secrets.js';
import { keys } from './signed-table.js';

const hmac = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-Pw';
const none = { type: 'none' };
const file = (sides: object): string => JSON.stringify({ version: '2', ...sides });

describe('lonelyps codec: secrets files', () => {
  it('with both sides', () => {
    const json = file({
      'to-broadcaster': { type: 'hmac', secret: hmac },
      'to-subscriber': { type: 'token', secret: 'ts-token' },
    });
    expect(parseSecrets(json)).to.deep.equal({
      toBroadcaster: { type: 'hmac', secret: keys.toBroadcaster },
      toSubscriber: { type: 'token', token: 'ts-token' },
    });
  });

  it('a side that is not there is none', () => {
    expect(parseSecrets(file({}))).to.deep.equal({ toBroadcaster: none, toSubscriber: none });
    const json = file({ 'to-subscriber': { type: 'token', secret: 't' } });
    expect(parseSecrets(json)).to.deep.equal({ toBroadcaster: none, toSubscriber: { type: 'token', token: 't' } });
  });

  it('with a byte order mark, and with more than is known', () => {
    expect(parseSecrets(`\ufeff${file({ comment: 'ours' })}`).toBroadcaster).to.deep.equal(none);
  });

  const side = (value: unknown): string => file({ 'to-broadcaster': value });
  const bad: [what: string, json: string, words: string][] = [
    ['nothing', '', 'no JSON'],
    ['no JSON', 'hush-hush', 'no JSON'],
    [
      'JSON that is cut off',
      file({ 'to-broadcaster': { type: 'token', secret: 'hush-hush' } }).slice(0, -3),
      'no JSON',
    ],
    ['an array', '["hush-hush"]', 'no JSON object'],
    ['null', 'null', 'no JSON object'],
    ['no version', '{"secret":"hush-hush"}', 'version'],
    ['an old version', '{"version":"1"}', 'version'],
    ['a version that is a number', '{"version":2}', 'version'],
    ['a version to come', '{"version":"hush-hush"}', 'version'],
    ['a side that is a string', side('hush-hush'), '"to-broadcaster" is no object'],
    ['a side that is null', side(null), '"to-broadcaster" is no object'],
    ['a type that is not known', side({ type: 'hush-hush' }), 'neither "token" nor "hmac"'],
    ['no type', side({ secret: 'hush-hush' }), 'neither "token" nor "hmac"'],
    ['no secret', side({ type: 'hmac' }), 'is not there'],
    ['a secret that is a number', side({ type: 'token', secret: 12 }), 'no string'],
    ['an empty token', side({ type: 'token', secret: '' }), 'is empty'],
    ['a token with a line break', side({ type: 'token', secret: 'hush-hush\n' }), 'no header can have'],
    ['a key that is too short', side({ type: 'hmac', secret: 'hush-hush' }), '64 bytes'],
    ['a key of 65 bytes', side({ type: 'hmac', secret: `${hmac}A` }), '64 bytes'],
    ['a key in the other base64', side({ type: 'hmac', secret: hmac.replace('-', '+') }), '64 bytes'],
  ];
  for (const [what, json, words] of bad) {
    it(`with ${what} are an error that says what, and nothing of the content`, () => {
      const error = thrown(() => parseSecrets(json));
      expect(error).to.be.instanceOf(InvalidOptionError);
      expect((error as Error).message).to.include(words);
      const shown = inspect(error, { depth: 9, showHidden: true }).replace((error as Error).stack ?? '', '');
      for (const text of [shown, (error as Error).message, JSON.stringify(error)]) {
        expect(text).to.not.include('hush').and.not.include(hmac.slice(0, 20));
      }
    });
  }
});

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

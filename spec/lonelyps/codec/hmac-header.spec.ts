import { expect } from 'chai';
import fc from 'fast-check';
import { formatHmacHeader, parseHmacHeader } from '../../../lib/lonelyps/codec/hmac-header.js';

const code = Uint8Array.from({ length: 64 }, (_, at) => at);
const good = formatHmacHeader(1_700_000_000, 'nonce', code);

describe('lonelyps codec: the HMAC header', () => {
  it('is read as it was written', () => {
    const nonces = fc.string({ maxLength: 60 }).filter((text) => !text.includes(':') && !/[\r\n]/.test(text));
    const codes = fc.uint8Array({ minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(fc.nat(2 ** 31), nonces, codes, (timestamp, nonce, bytes) => {
        const parsed = parseHmacHeader(formatHmacHeader(timestamp, nonce, bytes));
        expect(parsed).to.deep.equal({ timestamp, nonce, code: bytes });
      }),
    );
  });

  it('may lack the padding', () => {
    expect(parseHmacHeader(good.slice(0, -2))).to.deep.equal(parseHmacHeader(good));
  });

  const bad: [what: string, header: string][] = [
    ['nothing', ''],
    ['another scheme', good.replace('X-HMAC', 'Bearer')],
    ['the scheme in lower case', good.replace('X-HMAC', 'x-hmac')],
    ['no space', good.replace('X-HMAC ', 'X-HMAC')],
    ['a negative time', good.replace('1700000000', '-1700000000')],
    ['a time with a fraction', good.replace('1700000000', '1700000000.5')],
    ['a time that is no exact number', good.replace('1700000000', '9'.repeat(16))],
    ['no time', good.replace('1700000000', '')],
    ['a nonce with a colon', good.replace('nonce', 'no:nce')],
    ['a nonce of 256 bytes', good.replace('nonce', 'é'.repeat(128))],
    ['a code of 63 bytes', formatHmacHeader(1, 'n', code.subarray(1))],
    ['a code of 65 bytes', formatHmacHeader(1, 'n', new Uint8Array(65))],
    ['a code in the alphabet for URLs', good.replace(/.==$/, '_==')],
    ['half of the padding', good.slice(0, -1)],
    ['more after it', `${good} `],
    ['two of them', `${good}, ${good}`],
  ];
  for (const [what, header] of bad) {
    it(`is none with ${what}`, () => {
      expect(parseHmacHeader(header)).to.equal(undefined);
    });
  }

  it('a nonce of 255 bytes is taken', () => {
    expect(parseHmacHeader(good.replace('nonce', 'n'.repeat(255)))?.nonce).to.have.length(255);
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from '../../../lib/lonelyps/codec/base64.js';

const bytes = fc.uint8Array({ maxLength: 80 });

describe('lonelyps codec: base64', () => {
  it('is that of Node, in both alphabets', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        expect(encodeBase64(given)).to.equal(Buffer.from(given).toString('base64'));
        expect(encodeBase64Url(given)).to.equal(Buffer.from(given).toString('base64url'));
      }),
    );
  });

  it('gives the bytes back, padded or not', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        const text = encodeBase64(given);
        expect(decodeBase64(text)).to.deep.equal(given);
        expect(decodeBase64(text.replace(/=+$/, ''))).to.deep.equal(given);
        const forUrls = encodeBase64Url(given);
        expect(decodeBase64Url(forUrls)).to.deep.equal(given);
        expect(decodeBase64Url(forUrls.padEnd(Math.ceil(forUrls.length / 4) * 4, '='))).to.deep.equal(given);
      }),
    );
  });

  for (const text of ['A', 'AAAAA', 'AA=', 'A===', '====', '=', 'AA==AA==', 'AA A', 'AAA\n', 'AA-A', 'AA_A', 'Aé==']) {
    it(`${JSON.stringify(text)} is none`, () => {
      expect(decodeBase64(text)).to.equal(undefined);
    });
  }

  it('neither alphabet has the signs of the other', () => {
    expect(decodeBase64('+/+/')).to.have.length(3);
    expect(decodeBase64Url('+/+/')).to.equal(undefined);
    expect(decodeBase64Url('-_-_')).to.have.length(3);
  });
});

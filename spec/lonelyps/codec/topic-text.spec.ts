import { expect } from 'chai';
import fc from 'fast-check';
import { InvalidOptionError } from '../../../lib/core/errors.js';
import {
  isUtf8Topic,
  topicBytes,
  topicLimit,
  topicProblem,
  topicText,
} from '../../../lib/lonelyps/codec/topic-text.js';
import { hexBytes, oddView, toHex, utf8 } from './bytes.js';

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  // pieces that are nearly UTF-8
  fc
    .array(
      fc.constantFrom('61', 'c3a9', 'c3', 'a9', 'e282ac', 'e282', 'eda080', 'f09f9880', 'f09f98', 'f4908080', 'c080'),
    )
    .map((pieces) => hexBytes(pieces.join(''))),
);

const character = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code));

describe('lonelyps codec: topics as text', () => {
  it('any bytes have a text, which gives them back and is like no other', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (one, other) => {
        const text = topicText(oddView(one));
        expect(topicProblem(text)).to.equal(undefined);
        expect(topicBytes(text)).to.deep.equal(one);
        if (toHex(one) !== toHex(other)) expect(topicText(other)).to.not.equal(text);
      }),
      { numRuns: 1000 },
    );
  });

  it('text is its UTF-8', () => {
    fc.assert(
      fc.property(
        fc.array(character, { maxLength: 40 }).map((characters) => characters.join('')),
        (text) => {
          expect(topicBytes(text)).to.deep.equal(utf8(text));
          expect(topicText(utf8(text))).to.equal(text);
          expect(isUtf8Topic(text)).to.equal(true);
        },
      ),
    );
  });

  it('any text either is refused or comes back', () => {
    const halves = fc.constantFrom(
      '\ud800',
      '\udc00',
      '\udc80',
      '\udcc3',
      '\udca9',
      '\udcff',
      '\udfff',
      'a',
      'é',
      '😀',
    );
    fc.assert(
      fc.property(fc.array(halves, { maxLength: 6 }), (parts) => {
        const text = parts.join('');
        if (topicProblem(text) === undefined) expect(topicText(topicBytes(text))).to.equal(text);
        else expect(() => topicBytes(text)).to.throw(InvalidOptionError);
      }),
      { numRuns: 1000 },
    );
  });

  const written: [hex: string, text: string][] = [
    ['', ''],
    ['666f6f2f626172', 'foo/bar'],
    ['efbbbf61', '\ufeffa'],
    ['00', '\0'],
    ['efbfbd61', '\ufffda'],
    ['efbfbdff', '\ufffd\udcff'],
    ['666f6f2ffffe', 'foo/\udcff\udcfe'],
    ['c3a9', 'é'],
    ['a9c3', '\udca9\udcc3'],
    ['e28261', '\udce2\udc82a'],
    ['c080', '\udcc0\udc80'],
    ['eda080', '\udced\udca0\udc80'],
    ['f4908080', '\udcf4\udc90\udc80\udc80'],
    ['f48fbfbf', '\u{10ffff}'],
    ['e0a080', '\u0800'],
    ['e09fbf', '\udce0\udc9f\udcbf'],
  ];
  for (const [hex, text] of written) {
    it(`the bytes ${hex || '(none)'} are ${JSON.stringify(text)}`, () => {
      expect(topicText(hexBytes(hex))).to.equal(text);
      expect(toHex(topicBytes(text))).to.equal(hex);
    });
  }

  it('have 65 535 bytes at most', () => {
    expect(topicLimit).to.equal(65_535);
    for (const topic of ['a'.repeat(65_535), new Uint8Array(65_535), '', `${'é'.repeat(32_767)}a`]) {
      expect(topicProblem(topic)).to.equal(undefined);
    }
    for (const topic of ['a'.repeat(65_536), new Uint8Array(65_536), 'é'.repeat(32_768)]) {
      expect(topicProblem(topic)).to.include('65535').and.include('65536');
    }
    expect(topicBytes('a'.repeat(65_535))).to.have.length(65_535);
    expect(() => topicBytes('a'.repeat(65_536))).to.throw(InvalidOptionError, '65536');
  });

  it('are no text with half characters that stand for no byte', () => {
    for (const text of ['\ud800', 'a\udc00b', '\udc7f', '\udd00', '\ud83d😀']) {
      expect(topicProblem(text)).to.match(/half character U\+D[0-9A-F]{3}/);
      expect(isUtf8Topic(text)).to.equal(false);
    }
    expect(topicProblem('\udcc3\udca9')).to.include('in one way only');
  });
});

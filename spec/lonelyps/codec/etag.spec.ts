import { expect } from 'chai';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { etagDocument, sortEntries } from '../../../lib/lonelyps/codec/etag.js';
import { concat, hexBytes, toHex, utf8 } from './bytes.js';
import { etag, glob, recovery, topic, url } from './signed-table.js';

describe('lonelyps codec: etags of subscriptions', () => {
  it('is that of lonelypsp', () => {
    const document = etagDocument(url, [{ topic, recovery }], [{ glob }]);
    expect(createHash('sha512').update(document).digest('hex')).to.equal(toHex(etag));
  });

  it('is made of this', () => {
    const document = etagDocument('u', [{ topic: utf8('a'), recovery: 'r' }, { topic: utf8('b') }], [{ glob: 'g' }]);
    const expected = concat(
      utf8('URL'),
      hexBytes('000175'),
      utf8('\nEXACT'),
      hexBytes('000161' + '000172' + '000162' + '0000'),
      utf8('\nGLOB'),
      hexBytes('000167' + '0000'),
      utf8('\n'),
    );
    expect(toHex(document)).to.equal(toHex(expected));
    expect(new TextDecoder().decode(etagDocument('', [], []))).to.equal('URL\0\0\nEXACT\nGLOB\n');
  });

  it('sorts by bytes: U+FFFF before U+10000, where UTF-16 has it the other way round', () => {
    const texts = ['\u{10000}', '\uffff', 'b', '', 'a', 'ab', '\ue000', 'é', '\u{1f600}'];
    const { exact, globs } = sortEntries({
      exact: texts.map((text) => ({ topic: utf8(text) })),
      globs: texts.map((text) => ({ glob: text })),
    });
    const expected = ['', 'a', 'ab', 'b', 'é', '\ue000', '\uffff', '\u{10000}', '\u{1f600}'];
    expect(globs.map((entry) => entry.glob)).to.deep.equal(expected);
    expect(exact.map((entry) => new TextDecoder().decode(entry.topic))).to.deep.equal(expected);
  });

  it('sorts globs as their bytes, whatever they are', () => {
    const text = fc.array(fc.constantFrom('a', 'z', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(
        fc.array(
          text.map((each) => each.join('')),
          { maxLength: 12 },
        ),
        (texts) => {
          const sorted = sortEntries({ exact: [], globs: texts.map((each) => ({ glob: each })) }).globs;
          const byBytes = [...new Set(texts)].sort((a, b) => Buffer.compare(utf8(a), utf8(b)));
          expect(sorted.map((entry) => entry.glob)).to.deep.equal(byBytes);
        },
      ),
    );
  });

  it('sorts topics as bytes, each once', () => {
    const topics = fc.array(fc.uint8Array({ max: 3, maxLength: 3 }), { maxLength: 30 });
    fc.assert(
      fc.property(topics, (given) => {
        const sorted = sortEntries({ exact: given.map((each) => ({ topic: each })), globs: [] }).exact;
        const expected = [...new Set(given.map(toHex))].sort();
        expect(sorted.map((entry) => toHex(entry.topic))).to.deep.equal(expected);
      }),
    );
  });

  it('leaves the list that it was given, and the first of its kind', () => {
    const exact = [{ topic: utf8('b') }, { topic: utf8('a'), recovery: 'one' }, { topic: utf8('a'), recovery: 'two' }];
    const sorted = sortEntries({ exact, globs: [] });
    expect(exact.map((entry) => entry.topic[0])).to.deep.equal([0x62, 0x61, 0x61]);
    expect(sorted.exact).to.deep.equal([{ topic: utf8('a'), recovery: 'one' }, { topic: utf8('b') }]);
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { compileGlob, globProblem } from '../../../lib/lonelyps/codec/glob.js';
import { topicText } from '../../../lib/lonelyps/codec/topic-text.js';
import { globTable, globTopics } from './glob-table.js';
import { hexBytes } from './bytes.js';

describe('lonelyps codec: globs', () => {
  for (const [glob, matched] of globTable) {
    it(`${JSON.stringify(glob)} matches what SQLite says`, () => {
      const matches = compileGlob(glob);
      expect(globTopics.filter((topic) => matches(topic))).to.deep.equal(matched);
    });
  }

  it('are the same in any order of stars and question marks', () => {
    const glob = fc.array(fc.constantFrom('*', '?', 'a', 'b', '[ab]', '[^a]', '😀'), { maxLength: 12 });
    const topic = fc.array(fc.constantFrom('a', 'b', '/', '😀', 'é'), { maxLength: 12 });
    fc.assert(
      fc.property(glob, topic, (tokens, characters) => {
        expect(compileGlob(tokens.join(''))(characters.join(''))).to.equal(matchesSlowly(tokens, characters));
      }),
      { numRuns: 2000 },
    );
  });

  it('never match a topic that is no UTF-8, and match half a character in none', () => {
    const matches = compileGlob('*');
    expect(matches(topicText(hexBytes('666f6f2ffffe')))).to.equal(false);
    expect(matches(topicText(hexBytes('666f6f2ff09f9880')))).to.equal(true);
    expect(compileGlob('??')('😀')).to.equal(false);
    expect(compileGlob('*?')('😀')).to.equal(true);
    expect(compileGlob('*[\u{1f600}]')('😁😀')).to.equal(true);
  });

  it('with many stars take no longer than without', () => {
    const topic = 'a'.repeat(65_535);
    expect(compileGlob(`${'*a'.repeat(20_000)}b`)(topic)).to.equal(false);
    expect(compileGlob(`${'*a?'.repeat(10_000)}*b`)(topic)).to.equal(false);
    expect(compileGlob(`*${'a'.repeat(30_000)}b*`)(topic)).to.equal(false);
    expect(compileGlob(`[${'^abc'.repeat(10_000)}d]*`)(topic)).to.equal(false);
  });

  it('can be as long as SQLite allows', () => {
    expect(globProblem('a'.repeat(50_000))).to.equal(undefined);
    expect(globProblem('é'.repeat(25_000))).to.equal(undefined);
    expect(globProblem('a'.repeat(50_001)))
      .to.include('50000 bytes at most')
      .and.include('50001');
    expect(globProblem('é'.repeat(25_001))).to.include('50002');
  });

  it('must be text, and need a ] for each [', () => {
    expect(globProblem('foo/\ud800')).to.include('half a character');
    expect(globProblem('foo/\udc80')).to.include('half a character');
    for (const glob of ['[', '[]', '[^]', 'a[b', '*[a-', 'x[^]a']) {
      expect(globProblem(glob), glob).to.include('matches nothing');
      expect(compileGlob(glob)('a'), glob).to.equal(false);
    }
    for (const glob of ['', '[]]', ']', '[[]', 'foo/**', '[^]]']) expect(globProblem(glob), glob).to.equal(undefined);
  });
});

/** The definition, one character after the other. */
function matchesSlowly([token, ...tokens]: readonly string[], characters: readonly string[]): boolean {
  if (token === undefined) return characters.length === 0;
  const [first, ...rest] = characters;
  if (token === '*')
    return matchesSlowly(tokens, characters) || (first !== undefined && matchesSlowly([token, ...tokens], rest));
  if (first === undefined) return false;
  const one = { '?': true, '[ab]': first === 'a' || first === 'b', '[^a]': first !== 'a' }[token] ?? token === first;
  return one && matchesSlowly(tokens, rest);
}

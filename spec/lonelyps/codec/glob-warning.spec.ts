import { expect } from 'chai';
import { globWarning } from '../../../lib/lonelyps/codec/glob.js';

describe('lonelyps codec: globs that do not mean the same everywhere', () => {
  const fine = [
    '',
    'foo',
    'foo/bar',
    'foo/*',
    'foo/**',
    '**',
    'a/[abc]',
    'a/[a-c]x',
    'a/?',
    '?',
    'foo/bar/*',
    '[]a]',
    '[-a]',
  ];
  for (const glob of fine) {
    it(`${JSON.stringify(glob)} does`, () => {
      expect(globWarning(glob)).to.equal(undefined);
    });
  }

  const odd: [glob: string, words: string][] = [
    ['[!a]z', '[!a]'],
    ['foo/[^a]', '[^a]'],
    ['a[b/c]', '/ in the set'],
    ['a[+-9]', '/ in the set'],
    ['[c-a]', 'backwards'],
    ['[]-a]', '] as the start'],
    ['*', 'say **'],
    ['***', 'say **'],
    ['foo/***', 'say **'],
    ['*/x', 'before its last part'],
    ['**/z', 'before its last part'],
    ['foo/**/z', 'before its last part'],
    ['foo/*/z', 'before its last part'],
    ['foo*', 'beside other characters'],
    ['foo/a*', 'beside other characters'],
    ['foo**', 'beside other characters'],
    ['foo/*?', 'beside other characters'],
    ['a\0b', 'NUL'],
  ];
  for (const [glob, words] of odd) {
    it(`${JSON.stringify(glob)} does not`, () => {
      expect(globWarning(glob)).to.include(words);
    });
  }

  it('long sets are not shown as a whole', () => {
    expect(globWarning(`[!${'a'.repeat(10_000)}]`)!.length).to.be.below(250);
  });

  it('what matches nothing at all is for globProblem to say', () => {
    expect(globWarning('[!a')).to.equal(undefined);
  });
});

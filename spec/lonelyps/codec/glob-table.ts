const words = (text: string): string[] => text.split(' ');

/** Topics that each glob is tried on. */
export const globTopics: readonly string[] = [
  '',
  ...words('a b c d e z foo foo/ foo/a foo/b foo/é foo/ab foo/* foo/bar/z foo//z foo/z foo/{a,b} foo/.a FOO/a'),
  ...words('ab aab axb a/b abab axyb bb - ^ ] ! [ * ? a] a- é éa xé xéy ü ÿ 😀 😀x 😁 a😀'),
  ...['\n', 'a\n', 'a\0b', '\0', '\0a', 'k7', 'kk7', 'FOO'],
];

/** What matches one character; SQLite sees of `a\0b` what is before the NUL. */
const characters = [...words('a b c d e z - ^ ] ! [ * ? é ü ÿ 😀 😁'), '\n', 'a\0b'];

/** What the empty glob matches: for SQLite also what begins with a NUL. */
const empty = ['', '\0', '\0a'];

const inFoo = words('foo/ foo/a foo/b foo/é foo/ab foo/* foo/bar/z foo//z foo/z foo/{a,b} foo/.a');

function but(topics: readonly string[], ...others: readonly string[]): readonly string[] {
  return topics.filter((topic) => !others.includes(topic));
}

/** Globs, and which of the topics SQLite 3.40 says that they match. */
export const globTable: readonly (readonly [glob: string, matched: readonly string[]])[] = [
  ['', empty],
  ['*', globTopics],
  ['**', globTopics],
  ['?', characters],
  ['foo/*', inFoo],
  ['foo/**', inFoo],
  ['foo/?', ['foo/a', 'foo/b', 'foo/é', 'foo/*', 'foo/z']],
  ['foo/[!a]', ['foo/a']],
  ['foo/[^a]', ['foo/b', 'foo/é', 'foo/*', 'foo/z']],
  ['**/z', ['foo/bar/z', 'foo//z', 'foo/z']],
  ['foo/**/z', ['foo/bar/z', 'foo//z']],
  ['foo/{a,b}', ['foo/{a,b}']],
  ['a*b', ['ab', 'aab', 'axb', 'a/b', 'abab', 'axyb']],
  ['*a*b*', ['foo/ab', 'foo/{a,b}', 'ab', 'aab', 'axb', 'a/b', 'abab', 'axyb']],
  ['a?*b', ['aab', 'axb', 'a/b', 'abab', 'axyb']],
  ['*?', but(globTopics, ...empty)],
  ['?*?', but(globTopics, ...empty, ...characters)],
  ['*ab', ['foo/ab', 'ab', 'aab', 'abab']],
  ['*?b', ['foo/b', 'foo/ab', 'ab', 'aab', 'axb', 'a/b', 'abab', 'axyb', 'bb']],
  ['a*[bc]', ['ab', 'aab', 'axb', 'a/b', 'abab', 'axyb']],
  ['[abc]', ['a', 'b', 'c', 'a\0b']],
  ['[a-c]', ['a', 'b', 'c', 'a\0b']],
  ['[^a-c]', but(characters, 'a', 'b', 'c', 'a\0b')],
  ['[a-c-e]', ['a', 'b', 'c', 'e', '-', 'a\0b']],
  ['[-a]', ['a', '-', 'a\0b']],
  ['[a-]', ['a', '-', 'a\0b']],
  ['[]]', [']']],
  ['[]a]', ['a', ']', 'a\0b']],
  ['[^]]', but(characters, ']')],
  ['[^]a]', but(characters, ']', 'a', 'a\0b')],
  ['[]-a]', ['a', '-', ']', 'a\0b']],
  ['[c-a]', ['c']],
  ['[a-a]', ['a', 'a\0b']],
  ['[!-a]', ['a', '-', '^', ']', '!', '[', '*', '?', 'a\0b']],
  ['[*]', ['*']],
  ['[?]', ['?']],
  ['[[]', ['[']],
  ['[^', []],
  ['[', []],
  ['[]', []],
  ['[a', []],
  ['a[', []],
  ['*[a', []],
  ['?[^]', []],
  ['[é-ü]', ['é', 'ü']],
  ['é?', ['éa']],
  ['?é*', ['xé', 'xéy']],
  ['[😀-😃]', ['😀', '😁']],
  ['😀*', ['😀', '😀x']],
  ['*[^😀]', but(globTopics, ...empty, '😀', 'a😀')],
  ['a\0b', ['a', 'a\0b']],
  ['\0', empty],
  ['*\0', globTopics],
  ['[a\0b]', []],
  ['[^^]', but(characters, '^')],
  ['[a^]', ['a', '^', 'a\0b']],
  [']', [']']],
  ['a]', ['a]']],
  ['FOO', ['FOO']],
  ['[a-z]?[0-9]', ['kk7']],
];

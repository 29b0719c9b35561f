import { expect } from 'chai';
import { NEVER } from 'rxjs';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { channelOf, checkChannel, describeChannel, nameOf, patternsOf } from '../../lib/lonelyps/selection.js';

const bytes = (...of: number[]): Uint8Array => new Uint8Array(of);

describe('lonelyps selections', () => {
  it('are a topic as text or bytes, several, and globs, each of them once', () => {
    const names = (selection: Parameters<typeof patternsOf>[0]): string[] => [...patternsOf(selection).keys()];
    expect(names('a/b')).to.deep.equal(['=a/b']);
    expect(names('')).to.deep.equal(['=']);
    expect(names(bytes(0x61, 0xff))).to.deep.equal(['=a\udcff']);
    expect(names({ exact: 'a', glob: 'b/*' })).to.deep.equal(['=a', '*b/*']);
    expect(names({ exact: ['a', bytes(0x61), 'b'], glob: ['*', '*'] })).to.deep.equal(['=a', '=b', '**']);
  });

  it('keep the bytes that they were given', () => {
    const given = bytes(1, 2);
    const [pattern] = patternsOf(given).values();
    given[0] = 9;
    expect(pattern).to.deep.include({ kind: 'exact', topic: bytes(1, 2) });
    expect(nameOf(pattern!)).to.equal('\u0001\u0002');
  });

  it('name the same channel by text and by bytes', () => {
    expect(channelOf('ü')).to.equal(channelOf(bytes(0xc3, 0xbc)));
    expect(channelOf('\udcff')).to.equal(channelOf(bytes(0xff)));
  });

  it('are described in messages', () => {
    expect(describeChannel('a')).to.equal("'a'");
    expect(describeChannel({ exact: ['a', bytes(0x62)], glob: 'c/*' })).to.equal("{ exact: ['a', 'b'], glob: 'c/*' }");
    expect(describeChannel({ exact: [] })).to.equal('{ exact: [] }');
    expect(describeChannel({})).to.equal('{}');
    expect(describeChannel(['a', 7] as never)).to.equal("['a', 7]");
    expect(describeChannel(NEVER)).to.equal('an Observable of selections');
    expect(describeChannel(7 as never)).to.equal('7');
  });

  for (const [what, given, words] of [
    ['nothing', undefined, /channel must be a topic .*; got undefined/],
    ['null', null, /channel must be a topic .*; got null/],
    [
      'an array',
      ['a'],
      /a topic \(text or bytes\), a selection { exact, glob } or an Observable of those; got an array/,
    ],
    ['a number', 7, /channel must be a topic .*; got 7/],
    ['a number among topics', { exact: ['a', 7] }, /exact\[1\] must be text or bytes; got 7/],
    ['an empty selection', {}, /selection is empty/],
    ['empty lists', { exact: [], glob: [] }, /selection is empty/],
    ['an unknown option', { globs: '*' }, /no option 'globs', did you mean 'glob'/],
    ['a topic that is too long', 'x'.repeat(65_536), /: channel: a topic can have 65535 bytes at most/],
    ['bytes that are too long', new Uint8Array(65_536), /: channel: a topic can have 65535 bytes at most/],
    ['one of several that is too long', { exact: ['a', new Uint8Array(65_536)] }, /: exact\[1\]: a topic can have/],
    ['half a surrogate', { exact: '\ud800' }, /half character/],
    ['a set that is not closed', { glob: 'a[b' }, /: glob: a glob needs a \]/],
    ['a glob of bytes', { glob: bytes(1) }, /glob must be/],
    ['a glob that is too long', { glob: ['x'.repeat(65_536)] }, /a glob can have 50000 bytes/],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => {
        checkChannel('messages()', given);
      })
        .to.throw(InvalidOptionError, words)
        .with.property('message')
        .that.matches(/^messages\(\): /);
    });
  }

  it('may come later', () => {
    expect(() => checkChannel('messages()', NEVER)).to.not.throw();
  });
});

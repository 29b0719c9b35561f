import { expect } from 'chai';
import { channelProblem, clientIdProblem, subjectProblem } from '../../../lib/nats-streaming/codec/subjects.js';

describe('nats-streaming codec: names', () => {
  const bad: readonly (readonly [name: unknown, words: string])[] = [
    ['', 'empty'],
    ['a..b', `'..'`],
    ['..', `begins with '.'`],
    ['.', `begins with '.'`],
    ['.a', `begins with '.'`],
    ['a.', `ends with '.'`],
    ['a*b', `wildcard '*'`],
    ['*', `wildcard '*'`],
    ['a.*', `wildcard '*'`],
    ['a>', `wildcard '>'`],
    ['>', `wildcard '>'`],
    ['a.>', `wildcard '>'`],
    ['a b', 'white space'],
    [' a', 'white space'],
    ['a ', 'white space'],
    ['a\tb', 'white space'],
    ['a\r\nPUB x', 'white space'],
    ['a\n', 'white space'],
    ['a\u00a0b', 'white space'],
    ['a\u2028b', 'white space'],
    ['a\0b', 'control character'],
    ['a\u007fb', 'control character'],
    ['a\u0085b', 'control character'],
    ['a\ud800b', 'surrogate'],
    ['a'.repeat(1025), '1024 bytes'],
    ['é'.repeat(513), '1024 bytes'],
    ['☃'.repeat(342), '1024 bytes'],
    ['😀'.repeat(257), '1024 bytes'],
    [undefined, 'of type undefined'],
    [null, 'of type null'],
    [7, 'of type number'],
    [['a'], 'of type array'],
    [{ toString: () => 'a' }, 'of type object'],
    [new String('a'), 'of type object'],
  ];
  const good = [
    'a',
    'a.b.c',
    'A-b_c',
    'ü.ñ',
    '東京',
    '😀',
    'a:b',
    'a,b',
    '$a',
    'a'.repeat(1024),
    'é'.repeat(512),
    '😀'.repeat(256),
  ];

  it('a channel', () => {
    for (const [name, words] of bad) expect(channelProblem(name), JSON.stringify(name)).to.include(words);
    for (const name of good) expect(channelProblem(name), name).to.equal(undefined);
  });

  it(`a channel without '/'`, () => {
    expect(channelProblem('a/b')).to.include(`'/'`);
    expect(channelProblem('/')).to.include(`'/'`);
  });

  it('a cluster id or a prefix', () => {
    for (const [name, words] of bad) expect(subjectProblem(name), JSON.stringify(name)).to.include(words);
    for (const name of [...good, 'a/b', '_INBOX', '_STAN.discover']) expect(subjectProblem(name)).to.equal(undefined);
  });

  it('the id of a client', () => {
    for (const id of ['a', 'A-b_9', '-', '_', 'x'.repeat(300)]) expect(clientIdProblem(id)).to.equal(undefined);
    expect(clientIdProblem('')).to.include('empty');
    for (const id of ['a.b', 'a b', 'a:b', 'ü', 'a\n', '\na', 'a/b', 'a*']) {
      expect(clientIdProblem(id), id).to.include('letters and digits');
    }
    for (const id of [undefined, null, 1, ['a']]) expect(clientIdProblem(id)).to.include('not string');
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { expect } from 'chai';
import { root } from '../package/built.js';
import { readPage } from './pages.js';

/** `[contract/acks.ts](../spec/contract/acks.ts): “title”` */
const proof = /\[([^\]]+)\]\((\.\.\/spec\/[^)]+\.ts)\): “([^”]+)”/g;

const { path, markdown } = readPage('docs/guarantees.md');
const rows = markdown.split('\n').filter((line) => /^\| (?!when|promise)/.test(line));
const proofs = [...markdown.matchAll(proof)].map(([, name = '', target = '', title = '']) => ({
  name,
  file: normalize(join('docs', target)),
  title,
}));

describe(path, () => {
  it('has a proof in each row, or says that the promise is not given', () => {
    const bare = rows.filter((row) => [...row.matchAll(proof)].length === 0);
    const empty = bare.filter((row) => !/not given|lost/.test(row) || !row.endsWith('| – |'));
    expect(empty).to.deep.equal([]);
    expect(rows.length).to.be.greaterThan(60);
  });

  it('has a table for each broker', () => {
    const headings = [...markdown.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).to.include.members(['Memory', 'NATS Streaming', 'RabbitMQ Streams', 'Liftbridge', 'lonelyps']);
  });

  for (const { name, file, title } of proofs) {
    it(`${name} has “${title}”`, () => {
      expect(`spec/${name}`).to.equal(file);
      expect(existsSync(join(root, file)), file).to.equal(true);
      expect(titled(readFileSync(join(root, file), 'utf8'), title)).to.equal(true);
    });
  }
});

/**
 * Whether a spec of that title is in a file. A title that is put together stands there in parts, with `…` where they meet: the first
 * part begins a text, the others are anywhere.
 */
function titled(source: string, title: string): boolean {
  const [first = '', ...others] = title.split('…');
  const whole = others.length === 0;
  const stands = ["'", '"', '`'].some((quote) => source.includes(`${quote}${first}${whole ? quote : ''}`));
  return stands && others.every((part) => source.includes(part));
}

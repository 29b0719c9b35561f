import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect } from 'chai';
import { built, root } from '../package/built.js';
import { anchorsOf, proseOf, readPages } from './pages.js';
import { pooled, Programs, type Outcome, type Written } from './programs.js';

const pages = readPages();

describe('docs/', () => {
  let programs: Programs;
  let problems: Map<Written, string[]>;
  let outcomes = new Map<string, Promise<Outcome>>();

  before(async () => {
    await built();
    programs = await Programs.write(pages);
    problems = await programs.compile();
    const names = programs.all.filter(({ block }) => runs(block)).map(({ name }) => name);
    const byName = new Map(programs.all.map((each) => [each.name, each]));
    outcomes = pooled(names, 2, (name) => programs.run(byName.get(name)!));
  });
  after(async () => {
    await Promise.all(outcomes.values());
    await programs.remove();
  });

  for (const page of pages) {
    describe(page.path, () => {
      it('has programs that compile', () => {
        const said = [...problems].filter(([written]) => written.page === page).flatMap(([, lines]) => lines);
        expect(said).to.deep.equal([]);
      });

      for (const block of page.blocks.filter(runs)) {
        it(`runs ${block.file}`, async () => {
          const written = programs.all.find((each) => each.block === block)!;
          const { code, stdout, stderr } = await outcomes.get(written.name)!;
          expect({ code, stderr }, stdout).to.deep.equal({ code: 0, stderr: '' });
          if (block.prints !== undefined) expect(stdout.trimEnd()).to.equal(block.prints.trimEnd());
        });
      }

      it('names each of its programs once', () => {
        const names = page.blocks.flatMap(({ file }) => file ?? []);
        expect(names).to.deep.equal([...new Set(names)]);
      });

      it('links to files and headings that are there', () => {
        const targets = [...proseOf(page.markdown).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)];
        const broken = targets.map(([, target]) => target!).filter((target) => !leads(page.path, target));
        expect(broken).to.deep.equal([]);
      });
    });
  }
});

function runs({ file, words }: Written['block']): boolean {
  return file !== undefined && !words.includes('no-run');
}

/** Whether a link on a page leads somewhere. */
function leads(from: string, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? from : normalize(join(dirname(from), decodeURIComponent(file)));
  if (path.startsWith('..') || !existsSync(join(root, path))) return false;
  if (anchor === undefined) return true;
  if (statSync(join(root, path)).isDirectory() || !path.endsWith('.md')) return false;
  return anchorsOf(readFileSync(join(root, path), 'utf8')).has(decodeURIComponent(anchor));
}

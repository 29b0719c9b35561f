import { expect } from 'chai';
import { build, type Metafile } from 'esbuild';
import { join } from 'node:path';
import { isBuiltin } from 'node:module';
import { browserEntries, built, entries, node, nodeEntries, root } from './built.js';
import { consumer } from './consumer.js';

/** The peers that a program may do without. */
const optional = ['nats', '@nats-io/nats-core', '@nats-io/transport-node', 'snappy', '@bokuweb/zstd-wasm'];

interface SizeResult {
  readonly name: string;
  readonly budget: number;
  readonly gzip: number;
  readonly minified: number;
  readonly imports: readonly string[];
  readonly node: readonly string[];
}

describe('a bundle for browsers', () => {
  let results: readonly SizeResult[];

  before(async () => {
    await built();
    const said = await node([join(root, 'scripts/size.mjs'), '--json']).catch((error: unknown) => {
      throw new Error('A case is over its budget or reaches a module of Node; npm run size says which.', {
        cause: error,
      });
    });
    results = JSON.parse(said) as SizeResult[];
  });

  it('stays within the budgets of etc/size.json', () => {
    for (const { name, gzip, budget } of results) expect(gzip, name).to.be.at.most(budget);
  });

  it('reaches no module of Node, and nothing but the peers', () => {
    for (const { name, node: modules, imports } of results) {
      expect(modules, name).to.deep.equal([]);
      for (const path of imports) expect(['rxjs', '@nats-io/nats-core'], name).to.include(path);
    }
  });

  it('takes rxjs by its one main door', () => {
    for (const { name, imports } of results) {
      expect(
        imports.filter((path) => path.startsWith('rxjs/')),
        name,
      ).to.deep.equal([]);
    }
  });

  it('is empty if nothing is used', () => {
    expect(results.find(({ name }) => name === 'rx-weir, imported for nothing')?.minified).to.equal(0);
  });

  for (const entry of browserEntries) {
    it(`of ${entry} can be made without the optional peers`, async () => {
      const { folder, write } = await consumer();
      const source = await write('bundled.mjs', `import * as all from '${entry}'; globalThis.all = all;`);
      const { warnings } = await build({
        entryPoints: [source],
        absWorkingDir: folder,
        bundle: true,
        format: 'esm',
        platform: 'browser',
        write: false,
        logLevel: 'silent',
      });
      expect(warnings.filter(({ text }) => !text.includes('@nats-io/'))).to.deep.equal([]);
    });
  }
});

describe('a bundle for Node', () => {
  for (const entry of nodeEntries) {
    it(`of ${entry} can be made without the optional peers`, async () => {
      const { folder, write } = await consumer();
      const source = await write('bundled-for-node.mjs', `import * as all from '${entry}'; globalThis.all = all;`);
      const { warnings } = await build({
        entryPoints: [source],
        absWorkingDir: folder,
        bundle: true,
        format: 'esm',
        platform: 'node',
        write: false,
        logLevel: 'silent',
      });
      expect(warnings.filter(({ text }) => !optional.some((peer) => text.includes(`"${peer}"`)))).to.deep.equal([]);
    });
  }
});

describe('the modules of lib/', () => {
  let graph: Metafile['inputs'];

  before(async () => {
    const { metafile } = await build({
      entryPoints: entries.map((entry) => join(root, 'lib', entry.slice('rx-weir'.length), 'index.ts')),
      absWorkingDir: root,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'neutral',
      packages: 'external',
      outdir: 'nowhere',
      write: false,
      metafile: true,
    });
    graph = metafile.inputs;
  });

  it('import one another in no circle', () => {
    const done = new Set<string>();
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path))
        throw new Error(`a circle: ${[...trail.slice(trail.indexOf(path)), path].join(' -> ')}`);
      if (done.has(path)) return;
      for (const each of graph[path]?.imports ?? []) if (!each.external) visit(each.path, [...trail, path]);
      done.add(path);
    };
    for (const path of Object.keys(graph)) visit(path, []);
    expect(done.size).to.be.greaterThan(20);
  });

  it('import nothing but one another, the peers, and modules of Node where a broker needs them', () => {
    const outside = Object.entries(graph).flatMap(([file, { imports }]) =>
      imports.filter((each) => each.external === true).map(({ path }) => ({ file, path })),
    );
    const rest = outside.filter(({ path }) => !isBuiltin(path));
    expect(['rxjs', ...optional]).to.include.members(rest.map(({ path }) => path));
    const folders = nodeEntries.map((entry) => entry.replace('rx-weir', 'lib'));
    const ofNode = outside.filter(({ path }) => isBuiltin(path));
    expect(ofNode.filter(({ file }) => !folders.some((folder) => file.startsWith(`${folder}/`)))).to.deep.equal([]);
    for (const { path } of ofNode) expect(path).to.match(/^node:/);
  });

  it('wait for nothing at their top level, so that require() can load them', async () => {
    for (const entry of entries) {
      const path = join(root, 'lib', entry.slice('rx-weir'.length), 'index.ts');
      // esbuild refuses top-level await in CommonJS
      await build({
        entryPoints: [path],
        bundle: true,
        packages: 'external',
        format: 'cjs',
        write: false,
        logLevel: 'silent',
      });
    }
  });
});

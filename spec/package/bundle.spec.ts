import { expect } from 'chai';
import { build, type BuildOptions, type Metafile } from 'esbuild';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isBuiltin } from 'node:module';
import {
  browserEntries,
  built,
  entries,
  frameworkEntries,
  node,
  nodeEntries,
  nodeFolders,
  optionalPeers,
  root,
} from './built.js';
import { consumer } from './consumer.js';

/** The peers that a page may come to need. */
const peersOfPages = ['@nats-io/nats-core', '@noble/hashes', '@bokuweb/zstd-wasm', ...Object.values(frameworkEntries)];

/** The name of the package that an import asks for, without the path in it. */
const packageOf = (path: string): string => /^(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path;

interface SizeResult {
  readonly name: string;
  readonly platform: 'browser' | 'node';
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
    for (const { name, node: modules, imports } of results.filter(({ platform }) => platform === 'browser')) {
      expect(modules, name).to.deep.equal([]);
      for (const path of imports) expect(['rxjs', ...peersOfPages], name).to.include(packageOf(path));
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

  it('of rx-weir/lonelyps has nothing of its HTTP listener and its files', async () => {
    const { metafile } = await bundled('rx-weir/lonelyps', 'browser');
    const inside = Object.keys(metafile.inputs);
    expect(inside.some((path) => path.endsWith('dist/lonelyps/browser.js'))).to.equal(true);
    expect(inside.filter((path) => path.includes('dist/lonelyps/node/'))).to.deep.equal([]);
  });

  for (const entry of browserEntries) {
    it(`of ${entry} can be made without the optional peers`, async () => {
      expect(await strangers(entry, 'browser', peersOfPages)).to.deep.equal([]);
    });
  }
});

describe('a bundle for Node', () => {
  for (const entry of [...nodeEntries, 'rx-weir/lonelyps']) {
    it(`of ${entry} can be made without the optional peers`, async () => {
      expect(await strangers(entry, 'node', optionalPeers)).to.deep.equal([]);
    });
  }
});

/** Bundles all of an entry point where no optional peer is installed. */
async function bundled(entry: string, platform: 'browser' | 'node') {
  const { folder, write } = await consumer();
  const source = await write(`bundled-for-${platform}.mjs`, `import * as all from '${entry}'; globalThis.all = all;`);
  const options = {
    entryPoints: [source],
    absWorkingDir: folder,
    bundle: true,
    format: 'esm',
    platform,
    write: false,
    metafile: true,
    logLevel: 'silent',
  } satisfies BuildOptions;
  return build(options);
}

/** What such a bundle warns of, beside these packages, which are not there. */
async function strangers(entry: string, platform: 'browser' | 'node', missing: readonly string[]): Promise<string[]> {
  const { warnings } = await bundled(entry, platform);
  const named = (text: string): string => packageOf(/"([^"]+)"/.exec(text)?.[1] ?? '');
  return warnings.map(({ text }) => text).filter((text) => !missing.includes(named(text)));
}

describe('the modules of lib/', () => {
  let graph: Metafile['inputs'];

  const folders = [...entries, ...Object.keys(frameworkEntries)].map((entry) =>
    join(root, 'lib', entry.slice('rx-weir'.length)),
  );
  const modules = folders
    .flatMap((folder) => [join(folder, 'index.ts'), join(folder, 'browser.ts')])
    .filter((path) => existsSync(path));
  const command = join(root, 'lib/cli/main.ts');

  before(async () => {
    const { metafile } = await build({
      entryPoints: [...modules, command],
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
    expect(['rxjs', ...optionalPeers]).to.include.members(rest.map(({ path }) => packageOf(path)));
    const ofNode = outside.filter(({ path }) => isBuiltin(path));
    expect(ofNode.filter(({ file }) => !nodeFolders.some((folder) => file.startsWith(folder)))).to.deep.equal([]);
    for (const { path } of ofNode) expect(path).to.match(/^node:/);
  });

  it('wait for nothing at their top level, so that require() can load them', async () => {
    for (const path of modules) {
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

// Says what the built package costs in a bundle, case by case, and fails if a case is over its budget in etc/size.json, or
// is for browsers and reaches a module of Node.
//
//   npm run size
//   npm run size -- --json     for programs
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const { cases } = JSON.parse(readFileSync(new URL('../etc/size.json', import.meta.url), 'utf8'));
const { name: self, peerDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const peers = Object.keys(peerDependencies);

const results = [];
for (const { name, code, gzip: budget, platform = 'browser' } of cases) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: root, sourcefile: 'case.js' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform,
    target: 'es2022',
    external: [...peers.flatMap((peer) => [peer, `${peer}/*`])],
    write: false,
    metafile: true,
    logLevel: 'error',
  });
  const { contents } = outputFiles[0];
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  results.push({
    name,
    platform,
    budget,
    gzip: contents.length === 0 ? 0 : gzipSync(contents, { level: 9 }).length,
    minified: contents.length,
    imports: [...new Set(imports)].sort(),
    node:
      platform === 'node' ? [] : imports.filter((path) => path.startsWith('node:') || builtinModules.includes(path)),
  });
}

if (process.argv.includes('--json')) {
  console.log(JSON.stringify(results, undefined, 2));
} else {
  const width = Math.max(...results.map(({ name }) => name.length));
  console.log(`${self}: bytes gzipped, of the budget (minified)`);
  for (const { name, gzip, budget, minified, node } of results) {
    const marks = [gzip > budget ? 'OVER BUDGET' : '', node.length > 0 ? `IMPORTS ${node.join(' ')}` : ''].filter(
      Boolean,
    );
    console.log(
      `  ${name.padEnd(width)} ${String(gzip).padStart(7)} of ${String(budget).padStart(6)}  (${minified}) ${marks.join(', ')}`.trimEnd(),
    );
  }
}
if (results.some(({ gzip, budget, node }) => gzip > budget || node.length > 0)) process.exitCode = 1;

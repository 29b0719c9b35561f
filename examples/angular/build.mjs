// Builds the application: ahead-of-time compiled, linked and bundled. After `npm run build` at the top:
//
//   node examples/angular/build.mjs            into examples/angular/dist
//   node examples/angular/build.mjs --serve    and serves it until Ctrl-C
import { createCompilerHost, performCompilation, formatDiagnostics, readConfiguration } from '@angular/compiler-cli';
import { createEs2015LinkerPlugin } from '@angular/compiler-cli/linker/babel';
import { build, context } from 'esbuild';
import { cp, mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

// made once, for both bundles
let scripts;
let linker;

/** The bundle's options: with zone.js or without. */
export async function bundleOptions({ zone = false } = {}) {
  return {
    entryPoints: { main: join(folder, `src/main${zone ? '-zone' : ''}.ts`) },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    // zone.js cannot follow an await that the browser knows itself
    supported: zone ? { 'async-await': false, 'async-generator': false, 'for-await': false } : {},
    define: { ngDevMode: 'false', ngJitMode: 'false', ngI18nClosureMode: 'false' },
    logLevel: 'warning',
    plugins: [compiled((scripts ??= compile())), (linker ??= await linked())],
  };
}

/** The script of the page, as text. */
export async function bundle(options) {
  const { outputFiles } = await build({ ...(await bundleOptions(options)), write: false });
  return outputFiles[0].text;
}

/** The sources as JavaScript, by the path of each, with the templates compiled. */
function compile() {
  const { rootNames, options } = readConfiguration(join(folder, 'tsconfig.json'), { noEmit: false });
  const host = createCompilerHost({ options });
  const scripts = new Map();
  host.writeFile = (_name, text, _bom, _error, [source] = []) => {
    if (source !== undefined) scripts.set(resolve(source.fileName), text);
  };
  const { diagnostics } = performCompilation({ rootNames, options, host });
  if (diagnostics.length > 0) throw new Error(formatDiagnostics(diagnostics));
  return scripts;
}

/** Gives esbuild the compiled sources. */
function compiled(scripts) {
  return {
    name: 'compiled',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => ({ contents: scripts.get(path), loader: 'js' }));
    },
  };
}

/** Packages of Angular are compiled but for what depends on its version; the linker does the rest. */
async function linked() {
  // what the linker is a plugin of comes with it
  const beside = createRequire(require.resolve('@angular/compiler-cli/package.json'));
  const { transformAsync } = await import(pathToFileURL(beside.resolve('@babel/core')));
  const nothing = () => undefined;
  const plugin = createEs2015LinkerPlugin({
    fileSystem: { resolve, exists: () => false, dirname, relative: nothing, readFile: nothing },
    logger: { level: 2, debug: nothing, info: nothing, warn: console.warn, error: console.error },
    linkerJitMode: false,
    sourceMapping: false,
  });
  const link = async (filename) => {
    const text = await readFile(filename, 'utf8');
    if (!text.includes('ɵɵngDeclare')) return text;
    const settings = { filename, plugins: [plugin], compact: false, configFile: false, babelrc: false };
    return (await transformAsync(text, settings)).code;
  };
  const done = new Map();
  return {
    name: 'linked',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]@angular[\\/].*\.mjs$/ }, async ({ path: filename }) => {
        if (!done.has(filename)) done.set(filename, await link(filename));
        return { contents: done.get(filename) };
      });
    },
  };
}

async function main() {
  const zone = process.argv.includes('--zone');
  const outdir = join(folder, 'dist');
  await mkdir(outdir, { recursive: true });
  await Promise.all(['index.html', 'styles.css'].map((name) => cp(join(folder, name), join(outdir, name))));
  const watched = await context({ ...(await bundleOptions({ zone })), outdir });
  await watched.rebuild();
  if (!process.argv.includes('--serve')) return watched.dispose();
  const { port } = await watched.serve({ servedir: outdir });
  console.log(`http://localhost:${port}/ until Ctrl-C`);
  process.once('SIGINT', () => void watched.dispose());
}

// not awaited: what is imported by require() may wait for nothing at its top level
if (process.argv[1] === fileURLToPath(import.meta.url)) void main();

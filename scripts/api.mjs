// Writes what each entry point shows to the world into etc/api/, one report an entry, from the built declarations.
//
//   npm run api          writes the reports; read the difference, and commit it with the change that made it
//   npm run api:check    fails if they are not what lib/ says
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
const folder = join(root, 'etc/api');
const temp = join(root, 'temp/api');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The name of each report and the declarations that it is made from. */
const entries = Object.entries(exports)
  .filter(([, target]) => typeof target === 'object')
  .map(([path, { types }]) => ({ name: path === '.' ? 'index' : path.slice(2).replaceAll('/', '.'), types }));

/** What the entries before export: `rx-weir` and the brokers are spoken of without being exported again. */
const known = new Set();
/** Not exported on purpose: what it stands for is seen in what is. */
const unexported = new Set(['errorNames', 'Emitted']);
/** The compiler's name for what a class extends that a call gives: the framework's class, or a stand-in without it. */
const isBase = /^(\w+_base|Base)$/;

let failed = false;
const fail = (line) => {
  failed = true;
  console.error(line);
};

const exported = /^export (?:declare )?(abstract class|class|const|function|interface|type|enum) (\w+)/gm;
mkdirSync(temp, { recursive: true });
mkdirSync(folder, { recursive: true });
// `rx-weir` and the brokers come first in package.json, so that what they export is known when the others are read
for (const { name, types } of entries) {
  if (!existsSync(join(root, types))) {
    fail(`${types} is not there: npm run build`);
    continue;
  }
  extract(name, types);
  const written = join(temp, `${name}.api.md`);
  const kept = join(folder, `${name}.api.md`);
  const report = readFileSync(written, 'utf8');
  for (const [, , symbol] of report.matchAll(exported)) known.add(symbol);
  if (existsSync(kept) && readFileSync(kept, 'utf8') === report) continue;
  if (check) {
    fail(`etc/api/${name}.api.md is not what lib/ says: npm run api, and commit it if the change is meant`);
    console.error(firstDifference(existsSync(kept) ? readFileSync(kept, 'utf8') : '', report));
  } else {
    writeFileSync(kept, report);
    console.log(`etc/api/${name}.api.md is written`);
  }
}
for (const file of readdirSync(folder)) {
  if (entries.some(({ name }) => file === `${name}.api.md`)) continue;
  if (check) fail(`etc/api/${file} belongs to no entry point of package.json`);
  else rmSync(join(folder, file));
}
process.exitCode = failed ? 1 : 0;

function extract(name, types) {
  const base = ExtractorConfig.loadFile(join(root, 'etc/api-extractor.base.json'));
  const config = ExtractorConfig.prepare({
    configObject: {
      ...base,
      projectFolder: root,
      mainEntryPointFilePath: join(root, types),
      apiReport: {
        ...base.apiReport,
        // the list of error codes is a constant that only its type shows
        includeForgottenExports: name === 'index',
        reportFileName: name,
        reportFolder: temp,
        reportTempFolder: join(temp, 'new'),
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  });
  mkdirSync(join(temp, 'new'), { recursive: true });
  Extractor.invoke(config, {
    localBuild: true,
    messageCallback(message) {
      message.handled = true;
      if (message.logLevel === 'none' || message.logLevel === 'verbose' || message.logLevel === 'info') return;
      // the report is made here; whether it differs is asked above
      if (message.messageId.startsWith('console-api-report-')) return;
      if (message.messageId === 'console-compiler-version-notice') return;
      const forgotten = message.messageId === 'ae-forgotten-export' && /symbol "(\w+)"/.exec(message.text)?.[1];
      if (forgotten && (unexported.has(forgotten) || isBase.test(forgotten) || known.has(forgotten))) return;
      const where = message.sourceFilePath ? `${basename(message.sourceFilePath)}:${message.sourceFileLine}: ` : '';
      fail(`${name}: ${where}${message.text} (${message.messageId})`);
    },
  });
}

function firstDifference(before, after) {
  const [old, fresh] = [before.split('\n'), after.split('\n')];
  const index = fresh.findIndex((line, at) => line !== old[at]);
  const at = index < 0 ? fresh.length : index;
  return `  line ${at + 1}\n  - ${old[at] ?? ''}\n  + ${fresh[at] ?? ''}`;
}

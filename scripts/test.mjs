// Runs mocha on the spec files given. Mocha adds the files of the command line to those of its configuration, so that with
// a list there one file alone could not be run. Without arguments, or with those of scripts/lanes/main.ts, it is all of
// spec/, in lanes.
//
//   npm test
//   npm test -- spec/core/starts.spec.ts
//   npm test -- spec/nats-streaming --grep durable
import { existsSync, statSync } from 'node:fs';

const all = 'spec/**/*.spec.ts';
const given = process.argv.slice(2);

if (given.length === 0 || ['--ci', '--lanes', '--record'].includes(given[0])) {
  await import('tsx');
  await import('./lanes/main.ts');
} else {
  const args = given.map((arg) => (isFolder(arg) ? `${arg.replace(/\/+$/, '')}/**/*.spec.ts` : arg));
  const chosen = args.some((arg) => arg.endsWith('.spec.ts') || arg === '--spec' || arg.startsWith('--spec='));
  process.argv.splice(2, Infinity, ...args, ...(chosen ? [] : [all]));

  // in this process, so that what ends this one ends mocha
  await import('mocha/bin/mocha.js');
}

/** A folder of specs; what follows an option such as `--grep` is its value. */
function isFolder(arg, index = given.indexOf(arg)) {
  const before = given[index - 1];
  const value = before?.startsWith('-') === true && !before.includes('=');
  return !value && !arg.startsWith('-') && existsSync(arg) && statSync(arg).isDirectory();
}

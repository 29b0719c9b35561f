#!/usr/bin/env node
import { run } from './run.js';
import { watchSignals } from './signals.js';

const { stdin, stdout, stderr, env, argv } = process;
const { signal, codeOfSignal } = watchSignals(process);
void run(argv.slice(2), { stdin, stdout, stderr, env, signal }).then((code) => {
  // standard input may stay open for ever, and nothing of it is wanted any more
  process.exit(codeOfSignal() ?? code);
});

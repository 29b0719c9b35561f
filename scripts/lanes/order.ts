import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunReport } from './report.js';

/** The folder that everything is run in. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

const recorded = new URL('seconds.json', import.meta.url);
/** What is quicker than this is not worth a line in the record. */
const least = 1;
/** Where a file that is not in the record takes its place, since nobody knows how long it takes. */
const unknown = 10;

/** The spec files given, and those of the folders given, as paths from the root; without any, all. */
export function specFiles(given: readonly string[] = []): string[] {
  const paths = given.length === 0 ? ['spec'] : given.map((path) => path.replace(/\/+$/, ''));
  const files = paths.flatMap((path) => (statSync(join(root, path)).isDirectory() ? filesOf(path) : [path]));
  return [...new Set(files)].sort();
}

function filesOf(folder: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.spec.ts')).map((name) => `${folder}/${name.split(sep).join('/')}`);
}

/** How long the files took when that was last recorded, in seconds. */
export function recordedSeconds(): Readonly<Record<string, number>> {
  return JSON.parse(readFileSync(recorded, 'utf8')) as Record<string, number>;
}

/** Notes how long the files took. */
export function record({ files }: RunReport): void {
  const slow = files.filter(({ seconds }) => seconds >= least).sort((a, b) => b.seconds - a.seconds);
  const lines = Object.fromEntries(slow.map(({ file, seconds }) => [file, Math.round(seconds)]));
  writeFileSync(recorded, `${JSON.stringify(lines, undefined, 2)}\n`);
}

/** The files in the order that lets lanes end at about the same time: the longest first, else by name. */
export function longestFirst(files: readonly string[], seconds: Readonly<Record<string, number>>): string[] {
  const known = (file: string): number => seconds[file] ?? unknown;
  return [...files].sort((a, b) => known(b) - known(a) || (a < b ? -1 : 1));
}

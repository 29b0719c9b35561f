import { pack, type FileEvent, type PackedError } from './wire.js';

/** A spec, or a hook, that failed. */
export interface Failure {
  /** The titles from the outermost suite to the spec. */
  readonly path: readonly string[];
  readonly error: PackedError;
}

/** What came of a spec file. */
export interface FileReport {
  readonly file: string;
  /** From loading it to the end of its last hook. */
  readonly seconds: number;
  readonly passed: number;
  readonly failures: readonly Failure[];
}

/** What came of a run. */
export interface RunReport {
  readonly files: readonly FileReport[];
  /** Failures that belong to no file: a process that did not end when its files were done. */
  readonly others: readonly Failure[];
}

/** How many specs passed, and how many failed. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** Counts a file's events. */
export function fileReport(file: string, seconds: number, events: readonly FileEvent[]): FileReport {
  const failures = events.filter((event) => event.type === 'fail').map(({ path, error }) => ({ path, error }));
  return { file, seconds, passed: events.filter(({ type }) => type === 'pass').length, failures };
}

/** The failure of a thing that is no spec. */
export function otherFailure(title: string, message: string): Failure {
  const error = { ...pack(new Error(message)), stack: message };
  return { path: [title], error };
}

/** All failures of a run. */
export function failuresOf({ files, others }: RunReport): readonly Failure[] {
  return [...files.flatMap(({ failures }) => failures), ...others];
}

/** Counts a run. */
export function countsOf(report: RunReport): Counts {
  const passed = report.files.reduce((sum, file) => sum + file.passed, 0);
  return { passed, failed: failuresOf(report).length };
}

/** The slowest files as lines of text, and what all took together. */
export function slowest({ files }: RunReport, most = 15): readonly string[] {
  const shown = [...files].sort((a, b) => b.seconds - a.seconds).slice(0, most);
  const width = Math.max(0, ...shown.map(({ seconds }) => seconds.toFixed(1).length));
  const sum = files.reduce((total, { seconds }) => total + seconds, 0);
  return [
    'The slowest spec files, in seconds:',
    ...shown.map(({ file, seconds }) => `  ${seconds.toFixed(1).padStart(width)}  ${file}`),
    `All ${files.length} took ${sum.toFixed(0)} seconds together.`,
  ];
}

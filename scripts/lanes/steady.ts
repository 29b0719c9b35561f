import { countsOf, failuresOf, type Counts, type Failure, type RunReport } from './report.js';

/** With more failures than this, something is broken, and a second run would only take time. */
export const mostUnsteady = 5;

/** What came of a run whose failures got a second chance. */
export interface SteadyReport extends Counts {
  readonly first: RunReport;
  /** What failed and passed in the second run, with its first error. */
  readonly unsteady: readonly Failure[];
}

/**
 * Runs spec files and, where a few specs failed, their files once more, alone. A spec that fails in the second run has
 * failed, whether or not it had passed before; what failed in no file has no second run.
 * @param run - runs files in so many lanes
 * @param told - is called before the second run, with its files
 */
export async function runSteadily(
  files: readonly string[],
  lanes: number,
  run: (files: readonly string[], lanes: number) => Promise<RunReport>,
  told: (files: readonly string[]) => void,
): Promise<SteadyReport> {
  const first = await run(files, lanes);
  const suspects = first.files.filter(({ failures }) => failures.length > 0);
  const names = suspects.map(({ file }) => file).sort();
  if (names.length === 0 || failuresOf(first).length > mostUnsteady) {
    return { first, unsteady: [], ...countsOf(first) };
  }
  told(names);
  const second = await run(names, 1);
  const rest = first.files.filter((file) => !suspects.includes(file));
  const counts = countsOf({ files: [...rest, ...second.files], others: [...first.others, ...second.others] });
  const passesNow = ({ file, path }: { file: string; path: readonly string[] }): boolean => {
    const again = second.files.find((report) => report.file === file);
    return again !== undefined && again.passed > 0 && !again.failures.some((failure) => isSame(failure.path, path));
  };
  const unsteady = suspects.flatMap(({ file, failures }) =>
    failures.filter(({ path }) => passesNow({ file, path })).map(({ path, error }) => ({ path, error })),
  );
  return { first, unsteady, ...counts };
}

/** The unsteady specs as lines that nobody overlooks; none where there are none. */
export function unsteadyLines(unsteady: readonly Failure[]): readonly string[] {
  if (unsteady.length === 0) return [];
  const bar = '!'.repeat(72);
  const lines = unsteady.flatMap(({ path, error }) => ['', `  ${path.join(' > ')}`, indent(error.stack)]);
  const sum = unsteady.length === 1 ? '1 spec is unsteady' : `${unsteady.length} specs are unsteady`;
  return [bar, 'UNSTEADY: passed only in a second run:', ...lines, '', `${sum}: a bug to be mended.`, bar];
}

function indent(text: string): string {
  return text
    .split('\n')
    .slice(0, 12)
    .map((line) => `    ${line}`)
    .join('\n');
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((title, n) => title === b[n]);
}

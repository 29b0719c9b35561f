import type { Comparison, Target } from './benches.js';
import type { Series } from './rounds.js';

/** Median and extremes of one quantity. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One line of the table. */
export interface Row {
  readonly label: string;
  /** Messages a second. */
  readonly rate: Spread;
  /** Microseconds of CPU time for a message. */
  readonly cpu: Spread;
  /** The most bytes that the process had in memory. */
  readonly memory: Spread;
  /** The medians divided by those of the baseline. */
  readonly ratio?: { readonly rate: number; readonly cpu: number } | undefined;
  readonly target?: (Target & { readonly reached: boolean }) | undefined;
}

/** What a comparison showed. */
export interface Report {
  readonly title: string;
  readonly rows: readonly Row[];
  /** What the rows don't say, such as who is not among them. */
  readonly notes: readonly string[];
}

/** Takes medians, and divides them by the baseline's. */
export function summarise(comparison: Comparison, series: readonly Series[], notes: readonly string[] = []): Report {
  const { title, baseline, targets = [] } = comparison;
  const base = series.find(({ label }) => label === baseline);
  const rows = series.map(({ label, rate, cpu, memory }): Row => {
    const row = { label, rate: spread(rate), cpu: spread(cpu), memory: spread(memory) };
    if (base === undefined) return row;
    const ratio = { rate: row.rate.median / spread(base.rate).median, cpu: row.cpu.median / spread(base.cpu).median };
    const target = targets.find((each) => each.label === label);
    if (target === undefined) return { ...row, ratio };
    return { ...row, ratio, target: { ...target, reached: ratio.rate >= target.rate && ratio.cpu <= target.cpu } };
  });
  return { title, rows, notes };
}

/** Lays a report out as a table, with a line for each target below it. */
export function layOut({ title, rows, notes }: Report): string {
  const header = ['', 'msg/s', '(min–max)', 'CPU µs/msg', '(min–max)', 'peak MB', '× rate', '× CPU'];
  const cells = [header, ...rows.map(cellsOf)];
  const widths = header.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const lines = cells.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
  const below = [...rows.flatMap(targetLine), ...notes.map((note) => `  ${note}`)];
  return [title, ...lines.map((line) => `  ${line}`), ...below].join('\n');
}

function cellsOf({ label, rate, cpu, memory, ratio }: Row): string[] {
  return [
    label,
    thousands(rate.median),
    `(${thousands(rate.min)}–${thousands(rate.max)})`,
    cpu.median.toFixed(2),
    `(${cpu.min.toFixed(2)}–${cpu.max.toFixed(2)})`,
    String(Math.round(memory.median / 1e6)),
    ratio?.rate.toFixed(2) ?? '',
    ratio?.cpu.toFixed(2) ?? '',
  ];
}

function targetLine({ label, ratio, target }: Row): string[] {
  if (target === undefined || ratio === undefined) return [];
  const wanted = `rate ≥ ${target.rate} and CPU ≤ ${target.cpu} times the baseline's`;
  return [`  ${target.reached ? 'reached' : 'NOT REACHED'}: ${label}, ${wanted}`];
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** `123 456`, with a space that doesn't break. */
function thousands(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u00a0');
}

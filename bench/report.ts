import type { Comparison, Target } from './benches.js';
import type { Series } from './rounds.js';

/** Median and extremes of one quantity. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The medians of an entrant divided by those of another. */
export interface Ratio {
  /** The label of the other. */
  readonly against: string;
  readonly rate: number;
  readonly cpu: number;
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
  /** The part of a core that the server took, where that was measured. */
  readonly server?: Spread | undefined;
  /** One for each baseline that was measured, in the same order in each row. */
  readonly ratios: readonly Ratio[];
  readonly targets: readonly (Target & { readonly against: string; readonly reached: boolean })[];
}

/** What a comparison showed. */
export interface Report {
  readonly title: string;
  readonly rows: readonly Row[];
  /** What the rows don't say, such as who is not among them. */
  readonly notes: readonly string[];
}

/** Takes medians, and divides them by those of the baselines. */
export function summarise(comparison: Comparison, series: readonly Series[], notes: readonly string[] = []): Report {
  const { title, baselines = [], targets = [] } = comparison;
  const bases = baselines.flatMap((label) => series.filter((each) => each.label === label));
  const rows = series.map(({ label, rate, cpu, memory, server = [] }): Row => {
    const row = {
      label,
      rate: spread(rate),
      cpu: spread(cpu),
      memory: spread(memory),
      server: server.length > 0 ? spread(server) : undefined,
    };
    const ratios = bases.map((base) => ({
      against: base.label,
      rate: row.rate.median / spread(base.rate).median,
      cpu: row.cpu.median / spread(base.cpu).median,
    }));
    const own = targets.filter((target) => target.label === label);
    return {
      ...row,
      ratios,
      targets: own.flatMap((target) => {
        // who was not measured is no measure
        const ratio = ratios.find(({ against }) => against === (target.against ?? baselines[0]));
        if (ratio === undefined) return [];
        const reached = ratio.rate >= target.rate && ratio.cpu <= (target.cpu ?? Infinity);
        return [{ ...target, against: ratio.against, reached }];
      }),
    };
  });
  return { title, rows, notes };
}

/** Lays a report out as a table, with a line for each target below it. */
export function layOut({ title, rows, notes }: Report): string {
  const bases = rows[0]?.ratios ?? [];
  // one baseline is known by its ones; of several, each needs a mark
  const marks = bases.map((_, i) => (bases.length > 1 ? ` [${i + 1}]` : ''));
  const ratioHeader = marks.flatMap((mark) => [`× rate${mark}`, `× CPU${mark}`]);
  const header = ['', 'msg/s', '(min–max)', 'CPU µs/msg', '(min–max)', 'peak MB', ...ratioHeader];
  const cells = [header, ...rows.map(cellsOf)];
  const widths = header.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const lines = cells.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
  const legend = bases.length > 1 ? bases.map(({ against }, i) => `[${i + 1}] times that of ${against}`) : [];
  const shares = rows.flatMap(serverLines);
  return [
    title,
    ...[...lines, ...legend, ...rows.flatMap(targetLines), ...shares, ...notes].map((line) => `  ${line}`),
  ].join('\n');
}

function cellsOf({ label, rate, cpu, memory, ratios }: Row): string[] {
  return [
    label,
    thousands(rate.median),
    `(${thousands(rate.min)}–${thousands(rate.max)})`,
    cpu.median.toFixed(2),
    `(${cpu.min.toFixed(2)}–${cpu.max.toFixed(2)})`,
    String(Math.round(memory.median / 1e6)),
    ...ratios.flatMap((ratio) => [ratio.rate.toFixed(2), ratio.cpu.toFixed(2)]),
  ];
}

function serverLines({ label, server }: Row): string[] {
  if (server === undefined) return [];
  const percent = ([server.median, server.min, server.max] as const).map((share) => Math.round(share * 100));
  return [`the server took ${percent[0]} % (${percent[1]}–${percent[2]}) of a core with ${label}`];
}

function targetLines({ label, targets }: Row): string[] {
  return targets.map(({ against, rate, cpu, reached }) => {
    const wanted = cpu === undefined ? `rate ≥ ${rate}` : `rate ≥ ${rate} and CPU ≤ ${Number(cpu.toFixed(3))}`;
    return `${reached ? 'reached' : 'NOT REACHED'}: ${label}, ${wanted} times that of ${against}`;
  });
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

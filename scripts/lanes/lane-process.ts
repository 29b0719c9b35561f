import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './order.js';
import { fileReport, otherFailure, type Failure, type FileReport } from './report.js';
import type { FileEvent, LaneMessage, LaneOrder } from './wire.js';

/** What a file did, and what of it was printed. */
export interface FileRun {
  readonly report: FileReport;
  readonly events: readonly FileEvent[];
  readonly printed: string;
}

const program = fileURLToPath(new URL('lane.ts', import.meta.url));
const alive = new Set<ChildProcess>();
let ending = false;

/** Ends every lane and what its specs have started, and resolves when they are gone. No other starts from here on. */
export async function killLanes(): Promise<void> {
  ending = true;
  const gone = [...alive].map((child) => once(child, 'exit'));
  signalAll('SIGTERM');
  const timer = setTimeout(() => signalAll('SIGKILL'), 2_000);
  await Promise.all(gone);
  clearTimeout(timer);
}

function signalAll(signal: NodeJS.Signals): void {
  for (const { pid } of alive) {
    try {
      if (pid !== undefined) process.kill(-pid, signal);
    } catch {
      // It is just gone.
    }
  }
}

/** A process that runs spec files, as this one sees it. */
export class LaneProcess {
  private readonly child: ChildProcess;
  private readonly exit: Promise<string>;
  private printed = '';
  private over = false;

  /**
   * @param lane - counts from 0
   * @param lanes - how many there are, so that each has ports of its own
   * @param main - the program, where it is not the usual one
   */
  constructor(lane: number, lanes: number, main = program) {
    const { 'node-option': flags } = JSON.parse(readFileSync(join(root, '.mocharc.json'), 'utf8')) as {
      'node-option': readonly string[];
    };
    this.child = fork(main, {
      cwd: root,
      execArgv: flags.map((flag) => `--${flag}`),
      env: { ...process.env, RX_WEIR_LANE: `${lane}/${lanes}` },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      // a group of its own, so that what its specs start ends with it
      detached: true,
    });
    alive.add(this.child);
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.printed += text));
    this.child.on('error', () => undefined);
    this.exit = once(this.child, 'exit').then(([code, signal]) => {
      alive.delete(this.child);
      this.over = true;
      return signal === null ? `with code ${String(code)}` : `by ${String(signal)}`;
    });
  }

  /** Whether it has ended, so that another must go on. */
  get isOver(): boolean {
    return this.over;
  }

  /** Runs a file. Where the process ends in the middle, that is a failure of the spec that was under way. */
  async run(file: string): Promise<FileRun> {
    const began = performance.now();
    const events: FileEvent[] = [];
    let seconds: number | undefined;
    const done = new Promise<void>((resolve) => {
      const listen = (message: LaneMessage): void => {
        if (message.type !== 'file end') events.push(message);
        else {
          ({ seconds } = message);
          this.child.off('message', listen);
          resolve();
        }
      };
      this.child.on('message', listen);
    });
    this.tell({ type: 'run', file });
    const end = await Promise.race([done, this.exit]);
    if (ending) await new Promise(() => undefined);
    if (end !== undefined) {
      const path = events.findLast((event) => event.type === 'begin')?.path ?? [file];
      const { error } = otherFailure(file, `The process of the lane ended ${end} in the middle of ${file}.`);
      events.push({ type: 'fail', path, error });
    }
    const { printed } = this;
    this.printed = '';
    return { report: fileReport(file, seconds ?? (performance.now() - began) / 1_000, events), events, printed };
  }

  /** Lets it end, which it does once nothing of the specs is left. Resolves with what went wrong, if anything did. */
  async end(): Promise<Failure | undefined> {
    this.tell({ type: 'end' });
    const end = await this.exit;
    if (ending) await new Promise(() => undefined);
    if (end === 'with code 0') return undefined;
    return otherFailure('the process of a lane', `It ended ${end} when its files were done.`);
  }

  private tell(order: LaneOrder): void {
    // where it has just died, its end says so
    this.child.send(order, () => undefined);
  }
}

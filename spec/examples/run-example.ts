import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { root } from '../package/built.js';

/** What a program did. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run one. */
export interface RunOptions {
  /** What it reads on standard input; without it there is none. */
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program of examples/ that runs, as `npx tsx` would run it, with standard input open. */
export function startExample(name: string, args: readonly string[] = [], env: RunOptions['env'] = {}): Running {
  return new Running(
    spawn(process.execPath, ['--import', 'tsx', `examples/${name}.ts`, ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: 'pipe',
    }),
  );
}

/** Runs a program of examples/ to its end. */
export async function runExample(
  name: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, ['--import', 'tsx', `examples/${name}.ts`, ...args], {
    cwd: root,
    env: { ...process.env, ...options.env },
    stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.end(options.stdin);
  return new Running(child as ChildProcessWithoutNullStreams).ended;
}

/** A program under way. */
export class Running {
  readonly ended: Promise<Outcome>;
  private stdout = '';
  private stderr = '';

  constructor(readonly child: ChildProcessWithoutNullStreams) {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (this.stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (this.stderr += chunk));
    this.ended = once(child, 'close').then(([code]) => ({
      code: code as number | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
    running.add(this);
    void this.ended.then(() => running.delete(this));
  }

  /** Resolves with what of its output matches, when it has printed that; rejects when it ends before. */
  async printed(words: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = words.exec(this.stdout);
      if (found !== null) return found;
      const more = once(this.child.stdout, 'data').then(() => true);
      if (!(await Promise.race([more, this.ended.then(() => false)]))) {
        throw new Error(`it ended without ${String(words)}:\n${this.stdout}${this.stderr}`);
      }
    }
  }
}

const running = new Set<Running>();

/** Kills what a failed spec has left running. */
export function killAll(): void {
  for (const { child } of running) child.kill('SIGKILL');
}

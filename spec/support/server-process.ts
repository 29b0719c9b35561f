import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawnGuarded } from './guard.js';
import { childrenOf, descendantsOf } from './process-tree.js';

/** What a server process is and when it is ready. */
export interface ServerCommand {
  /** Its name, for errors. */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The log line that says it serves. */
  readonly ready: RegExp;
  /** Milliseconds until it must have said so. Default 20 000. */
  readonly readyTimeout?: number;
  /**
   * Whether the command is an `unshare` whose child is the first process of a pid namespace: signals are then for what
   * runs in there, and all of it is gone when `unshare` is. Default false.
   */
  readonly contained?: boolean;
}

const logLimit = 1 << 20;

/** One server process at a time, started as often as wanted with the same command line. */
export class ServerProcess {
  readonly #command: ServerCommand;
  #child: ChildProcessWithoutNullStreams | undefined;
  #exited: Promise<void> = Promise.resolve();
  #log = '';
  #paused = false;

  constructor(command: ServerCommand) {
    this.#command = command;
  }

  /** Its process id while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Whether it runs; a paused one does. */
  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** What it has written since the first start, up to the last megabyte. */
  log(): string {
    return this.#log;
  }

  /** Starts it and resolves when it is ready. @throws Error with its log when it ends before, or takes too long. */
  async start(): Promise<void> {
    if (this.#child) {
      throw new Error(`${this.#command.name} runs already.`);
    }
    const { file, args, cwd, env = {} } = this.#command;
    const child = await spawnGuarded(file, args, { cwd, env });
    this.#child = child;
    this.#paused = false;
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => {
        this.#child = undefined;
        resolve();
      });
    });
    try {
      await this.#untilReady(child);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#child?.ref();
    this.#signal('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM, as an orderly shutdown; SIGKILL when that takes longer than `patience` ms. */
  async quit(patience = 5_000): Promise<void> {
    this.resume();
    this.#signal('SIGTERM');
    const timer = setTimeout(() => void this.kill(), patience);
    await this.#exited;
    clearTimeout(timer);
  }

  /** SIGSTOP: sockets stay open and nothing is read or answered. */
  pause(): void {
    this.#signalAll('SIGSTOP');
    this.#paused = true;
  }

  /** SIGCONT, when it was paused. */
  resume(): void {
    if (this.#paused) {
      this.#signalAll('SIGCONT');
      this.#paused = false;
    }
  }

  /** To the server: where it is contained, to the first process in there, with which all others end. */
  #signal(signal: NodeJS.Signals): void {
    const inside = this.#command.contained ? childrenOf(this.pid) : [];
    if (inside.length === 0) {
      this.#child?.kill(signal);
    }
    send(signal, inside);
  }

  /** To all processes of the server. */
  #signalAll(signal: NodeJS.Signals): void {
    if (this.#command.contained) {
      send(signal, descendantsOf(this.pid));
    } else {
      this.#child?.kill(signal);
    }
  }

  #untilReady(child: ChildProcessWithoutNullStreams): Promise<void> {
    const { name, ready, readyTimeout = 20_000 } = this.#command;
    return new Promise((resolve, reject) => {
      let fresh = '';
      const fail = (what: string): void => {
        finish();
        reject(new Error(`${name} ${what}. Its log:\n${fresh.slice(-8_000)}`));
      };
      const timer = setTimeout(() => fail(`was not ready after ${readyTimeout} ms`), readyTimeout);
      const onExit = (code: number | null, signal: string | null): void =>
        fail(`ended with ${code === null ? signal : `code ${code}`} before it was ready`);
      const finish = (): void => {
        clearTimeout(timer);
        child.off('close', onExit);
        looking = false;
      };
      let looking = true;
      const take = (chunk: string): void => {
        this.#log = (this.#log + chunk).slice(-logLimit);
        if (looking) {
          fresh += chunk;
          if (ready.test(fresh)) {
            finish();
            resolve();
          }
        }
      };
      child.stdout.setEncoding('utf8').on('data', take);
      child.stderr.setEncoding('utf8').on('data', take);
      child.once('close', onExit);
    });
  }
}

function send(signal: NodeJS.Signals, pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended by itself.
    }
  }
}

import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { spawnGuarded } from '../guard.js';
import { within } from '../wait.js';
import type { PythonEnvironment } from './python-environment.js';

/** What comes before the result. */
export type Tell = (line: Readonly<Record<string, unknown>>) => void;

interface Work {
  readonly tell: Tell;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Answer {
  readonly id: number;
  readonly tell?: Parameters<Tell>[0];
  readonly error?: string;
  readonly result?: unknown;
}

type Child = Awaited<ReturnType<typeof spawnGuarded>>;

const library = fileURLToPath(new URL('./python-worker/', import.meta.url));

/** A Python process that does one or several things at once until it is stopped; `python-worker/` is its other half. */
export class PythonWorker {
  readonly #label: string;
  readonly #child: Child;
  readonly #ended: Promise<void>;
  readonly #work = new Map<number, Work>();
  #errors = '';
  #count = 0;

  private constructor(label: string, child: Child) {
    this.#label = label;
    this.#child = child;
    child.ref();
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (this.#errors += chunk));
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#heard(JSON.parse(line) as Answer);
    });
    this.#ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#failAll(`ended with ${signal ?? `code ${code}`}`);
        resolve();
      });
    });
  }

  /**
   * Runs `peer.py` of a client.
   * @param label - the client's name, for errors
   * @param options - what the script takes as `--name=value`; undefined is left out
   */
  static async start(
    label: string,
    environment: PythonEnvironment,
    options: Readonly<Record<string, string | number | undefined>>,
  ): Promise<PythonWorker> {
    const args = Object.entries(options).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}=${value}`],
    );
    const env = { PYTHONDONTWRITEBYTECODE: '1', PYTHONPATH: library };
    const python = await environment.python();
    return new PythonWorker(
      label,
      await spawnGuarded(python, [environment.path('peer.py'), ...args], { stdin: true, env }),
    );
  }

  /** Asks for something that must be done within 20 s, or the process is killed. */
  async ask(request: Readonly<Record<string, unknown>>, tell: Tell = () => undefined): Promise<unknown> {
    const id = this.#count++;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#work.set(id, { tell, resolve, reject });
    });
    this.#child.stdin.write(`${JSON.stringify({ ...request, id })}\n`);
    const timer = setTimeout(() => {
      this.#failAll(`did not ${String(request['do'])} within 20 s`);
      this.#child.kill('SIGKILL');
    }, 20_000);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets it close its connections and end; kills it where it takes longer than 5 s. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    await within(this.#ended, 5_000).catch(() => this.kill());
  }

  /** Its connections break off. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #heard(line: Answer): void {
    const work = this.#work.get(line.id);
    if (line.tell !== undefined) {
      work?.tell(line.tell);
      return;
    }
    this.#work.delete(line.id);
    if (line.error === undefined) {
      work?.resolve(line.result);
    } else {
      work?.reject(this.#failure(`failed: ${line.error}`));
    }
  }

  #failAll(reason: string): void {
    for (const { reject } of this.#work.values()) {
      reject(this.#failure(reason));
    }
    this.#work.clear();
  }

  #failure(reason: string): Error {
    const said = this.#errors.trim().slice(-4_000);
    return new Error(`The Python peer (${this.#label}) ${reason}${said && `\n${said}`}`);
  }
}

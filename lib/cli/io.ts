import type { Readable, Writable } from 'node:stream';

/** A stream that may be a terminal. */
export type Output = Writable & { readonly isTTY?: boolean | undefined; readonly columns?: number | undefined };

/** The world of a command: what it reads, writes and is told. */
export interface CliIo {
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asks the command to end: nothing more is taken in, and what has begun is finished. */
  readonly signal: AbortSignal;
}

/** Writes, and resolves when it is out. A reader that went away is no failure. */
export function print(output: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (!output.writable) {
      resolve();
      return;
    }
    output.write(text, () => resolve());
  });
}

/** Whether colours are wanted there: on a terminal, unless `NO_COLOR` says no. */
export function wantsColour(output: Output, env: CliIo['env']): boolean {
  return output.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

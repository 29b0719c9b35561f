import { execFile } from 'node:child_process';

/** How to run a tool. */
export interface CommandOptions {
  readonly cwd?: string;
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the user can do when the tool is missing. */
  readonly install: string;
  /** Milliseconds. Default 600 000. */
  readonly timeout?: number;
}

/**
 * Runs a tool to its end and resolves with its standard output.
 *
 * @throws Error with what to install when the tool is missing, or with the end of its output when it fails.
 */
export function command(file: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { cwd, env, install, timeout = 600_000 } = options;
  return new Promise((resolve, reject) => {
    execFile(
      file,
      args,
      { cwd, timeout, env: { ...process.env, ...env }, maxBuffer: 64 << 20 },
      (error, stdout, stderr) => {
        if (!error) {
          resolve(stdout);
        } else if (error.code === 'ENOENT') {
          reject(new Error(`${file} was not found. ${install}`, { cause: error }));
        } else {
          const said = `${stdout}${stderr}`.trim().slice(-4_000);
          reject(new Error(`${file} ${args.join(' ')} failed: ${said || error.message}`, { cause: error }));
        }
      },
    );
  });
}

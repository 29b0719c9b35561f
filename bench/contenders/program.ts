import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Measurement, Runner } from '../contender.js';

const execute = promisify(execFile);

/**
 * Has a program of another language do each run, in a process of its own. It gets `--name=value` for each option, for the
 * `stream` and for the number of `messages`, measures itself, and prints a Measurement as JSON.
 */
export function programRunner(
  file: string,
  args: readonly string[],
  options: Readonly<Record<string, string | number>>,
): Runner {
  return {
    async run(stream, messages) {
      const flags = Object.entries({ ...options, stream, messages }).map(([name, value]) => `--${name}=${value}`);
      // Python would write what it compiles next to our sources
      const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
      const { stdout } = await execute(file, [...args, ...flags], { env });
      return JSON.parse(stdout) as Measurement;
    },
    close: async () => undefined,
  };
}

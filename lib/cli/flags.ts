import { parseArgs } from 'node:util';
import { UsageError } from './exit.js';

/** One flag of a command. */
export interface FlagSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** Whether it may be given several times. */
  readonly multiple?: boolean;
  /** What its value is called in the help. */
  readonly label?: string;
  readonly help: string;
}

export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

type ValueOf<F extends FlagSpec> = F['type'] extends 'boolean'
  ? boolean
  : F extends { readonly multiple: true }
    ? readonly string[]
    : string;

/** What was given. */
export type FlagValues<S extends FlagSpecs> = { readonly [K in keyof S]?: ValueOf<S[K]> | undefined };

/**
 * Reads the arguments of a command.
 * @throws UsageError for a flag that is not there, or lacks its value
 */
export function readFlags<S extends FlagSpecs>(
  args: readonly string[],
  flags: S,
): { readonly values: FlagValues<S>; readonly positionals: readonly string[] } {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short === undefined ? {} : { short }), ...(multiple === undefined ? {} : { multiple }) },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { values: values as FlagValues<S>, positionals };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    if (!String(code).startsWith('ERR_PARSE_ARGS')) throw error;
    // Node's advice on positionals that begin with a dash is for all programs; the rest of its sentence fits here
    throw new UsageError(message.replace(/\. To specify .*$/s, '').replace(/\n/g, ' '), { cause: error });
  }
}

/** The flags as lines of a help text. */
export function describeFlags(flags: FlagSpecs): string {
  const lines = Object.entries(flags).map(([name, { type, short, label, help }]) => {
    const value = type === 'string' ? ` ${label ?? 'TEXT'}` : '';
    return [`  ${short === undefined ? '    ' : `-${short}, `}--${name}${value}`, help] as const;
  });
  const width = Math.max(...lines.map(([left]) => left.length));
  return lines.map(([left, help]) => `${left.padEnd(width)}  ${help}\n`).join('');
}

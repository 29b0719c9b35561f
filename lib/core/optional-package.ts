import { UnsupportedError, type BrokerName, type ErrorDetail } from './errors.js';

/** A package that users install where they need what it is for. @internal */
export interface OptionalPackage {
  readonly name: string;
  /** What needs it, at the beginning of a sentence. */
  readonly needs: string;
  /** Whose client it is; undefined for what belongs to no broker. */
  readonly broker?: BrokerName | undefined;
  /** What the error tells beside the package. */
  readonly detail?: ErrorDetail;
}

/**
 * Imports a package and looks whether it has these functions.
 * @param load - imports it, with a handler on the import itself: that tells bundlers that the package may be missing
 * @throws UnsupportedError that says in one line what to install
 * @internal
 */
export async function importPackage<T extends object>(
  wanted: OptionalPackage,
  functions: readonly (keyof T & string)[],
  load: () => Promise<unknown>,
): Promise<T> {
  let found: unknown;
  try {
    found = await load();
  } catch (error) {
    const isAbsent = isMissing(error, wanted.name);
    throw unusable(wanted, isAbsent ? 'which is not installed' : `which cannot be loaded (${firstLine(error)})`, error);
  }
  // Node names the exports of CommonJS only where it can read them off the source; the default always has them
  for (const candidate of [found, (found as { default?: unknown } | null)?.default]) {
    if (functions.every((each) => typeof (candidate as Record<string, unknown> | undefined)?.[each] === 'function')) {
      return candidate as T;
    }
  }
  throw unusable(wanted, `whose installed version has no ${functions.join(' or no ')}`);
}

/** Passes on what an import has thrown. @internal */
export function rethrow(error: unknown): never {
  throw error;
}

/** @param problem - the rest of the sentence @internal */
export function unusable(
  { name, needs, broker, detail }: OptionalPackage,
  problem: string,
  cause?: unknown,
): UnsupportedError {
  return new UnsupportedError(`${needs} needs the package ${name}, ${problem}: npm install ${name}`, {
    broker,
    cause,
    detail: { ...detail, package: name },
  });
}

/** What an error says first. @internal */
export function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0]!;
}

/** Whether the package itself is not there, rather than something that it loads. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  return String(message).includes(`'${name}'`);
}

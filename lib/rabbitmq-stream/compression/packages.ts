import { UnsupportedError } from '../../core/errors.js';

/** How the optional packages are imported, each when it is needed first. @internal */
export interface CompressionPackages {
  snappy(): Promise<unknown>;
  zstd(): Promise<unknown>;
}

/** @internal */
export const compressionPackages: CompressionPackages = {
  // the handlers tell bundlers that the package may be missing
  snappy: () => import('snappy').catch(rethrow),
  zstd: () => import('@bokuweb/zstd-wasm').catch(rethrow),
};

function rethrow(error: unknown): never {
  throw error;
}

/**
 * Imports a package and looks whether it has these functions.
 * @throws UnsupportedError that says in one line what to install
 * @internal
 */
export async function importFunctions<T extends object>(
  compression: string,
  name: string,
  load: () => Promise<unknown>,
  functions: readonly (keyof T & string)[],
): Promise<T> {
  let found;
  try {
    found = await load();
  } catch (error) {
    const problem = isMissing(error, name) ? 'which is not installed' : `which cannot be loaded (${firstLine(error)})`;
    throw unsupported(compression, name, problem, error);
  }
  // Node names the exports of CommonJS only where it can read them off the source; the default always has them
  for (const candidate of [found, (found as { default?: unknown } | null)?.default]) {
    if (functions.every((each) => typeof (candidate as Record<string, unknown> | undefined)?.[each] === 'function')) {
      return candidate as T;
    }
  }
  throw unsupported(compression, name, `whose installed version has no ${functions.join(' or no ')}`);
}

/**
 * Waits until a package works. One that works already is left alone: a second start would take the memory away from
 * under those who use it.
 * @param works - whether it does what it is for
 * @throws UnsupportedError like {@link importFunctions}
 * @internal
 */
export async function startPackage(
  compression: string,
  name: string,
  start: () => Promise<void>,
  works: () => boolean,
): Promise<void> {
  if (works()) return;
  let problem = 'it does not give back what it was given';
  let cause: unknown;
  try {
    await start();
    if (works()) return;
  } catch (error) {
    problem = firstLine(error);
    cause = error;
  }
  throw unsupported(compression, name, `which cannot be started (${problem})`, cause);
}

function unsupported(compression: string, name: string, problem: string, cause?: unknown): UnsupportedError {
  return new UnsupportedError(`compression ${compression} needs the package ${name}, ${problem}: npm install ${name}`, {
    broker: 'rabbitmq-stream',
    cause,
    detail: { compression, package: name },
  });
}

/** Whether the package itself is not there, rather than the native part that it loads. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  return String(message).includes(`'${name}'`);
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0]!;
}

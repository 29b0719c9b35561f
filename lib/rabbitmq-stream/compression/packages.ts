import { firstLine, rethrow, unusable, type OptionalPackage } from '../../core/optional-package.js';

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

/** @internal */
export function packageFor(compression: string, name: string): OptionalPackage {
  return { name, needs: `compression ${compression}`, broker: 'rabbitmq-stream', detail: { compression } };
}

/**
 * Waits until a package works. One that works already is left alone: a second start would take the memory away from
 * under those who use it.
 * @param works - whether it does what it is for
 * @throws UnsupportedError like `importPackage`
 * @internal
 */
export async function startPackage(
  wanted: OptionalPackage,
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
  throw unusable(wanted, `which cannot be started (${problem})`, cause);
}

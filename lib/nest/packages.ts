import { createRequire } from 'node:module';
import type * as Common from '@nestjs/common';
import type * as Core from '@nestjs/core';
import type * as Microservices from '@nestjs/microservices';
import { firstLine, unusable } from '../core/optional-package.js';
import { UnsupportedError } from '../core/errors.js';

// From here, so that a package resolves to what the app that installed this one imports: Node keeps one instance for
// import and require. A program in CommonJS gets the same, as Nest 10 and 11 are CommonJS, and 12 is loaded by require(esm).
const require = createRequire(import.meta.url);

const loaded = new Map<string, unknown>();

/** `@nestjs/common`. @throws UnsupportedError where it is not installed @internal */
export function nestCommon(): typeof Common {
  return load('@nestjs/common') as typeof Common;
}

/** `@nestjs/core`. @throws UnsupportedError where it is not installed @internal */
export function nestCore(): typeof Core {
  return load('@nestjs/core') as typeof Core;
}

/** `@nestjs/microservices`. @throws UnsupportedError where it is not installed @internal */
export function nestMicroservices(): typeof Microservices {
  return load('@nestjs/microservices') as typeof Microservices;
}

/**
 * Loads a package of Nest on first use, at once, so that importing `rx-weir/nest` succeeds without it.
 * @param requirePackage - how a package is loaded; a spec has its own
 * @throws UnsupportedError that says in one line what to install
 * @internal
 */
export function load(name: string, requirePackage: (name: string) => unknown = require): unknown {
  if (loaded.has(name)) return loaded.get(name);
  let found: unknown;
  try {
    found = requirePackage(name);
  } catch (error) {
    const problem = isMissing(error, name) ? 'which is not installed' : `which cannot be loaded (${firstLine(error)})`;
    throw unusable({ name, needs: 'rx-weir/nest' }, problem, error);
  }
  loaded.set(name, found);
  return found;
}

/**
 * The class to extend. Where its package cannot be loaded, one whose constructor throws what `find` has thrown: the
 * module that declares the subclass is imported all the same.
 * @internal
 */
export function baseClass<C extends abstract new (...args: never[]) => object>(find: () => C): C {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    const missing = error;
    // a function, and no arrow: it is to be extended
    return function Missing(): never {
      throw missing;
    } as unknown as C;
  }
}

/** Whether the package itself is not there, rather than something that it loads. */
function isMissing(error: unknown, name: string): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') return false;
  return firstLine(error).includes(`'${name}'`);
}

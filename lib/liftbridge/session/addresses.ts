import type { Address } from '../connection/address.js';

/** Whether both name one place. @internal */
export function isSame(one: Address, other: Address): boolean {
  return one.port === other.port && one.host.toLowerCase() === other.host.toLowerCase();
}

/** The same in a random order. @internal */
export function shuffled<T>(items: readonly T[]): T[] {
  const drawn = [...items];
  for (let last = drawn.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [drawn[last], drawn[other]] = [drawn[other] as T, drawn[last] as T];
  }
  return drawn;
}

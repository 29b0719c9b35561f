/**
 * Whether two values say the same: by structure, whatever their classes. A property that is undefined is as one that is
 * absent, as JSON has it. Where `expected` holds a matcher of jest or vitest (`expect.any(Number)`), that decides.
 * @internal
 */
export function equal(actual: unknown, expected: unknown): boolean {
  return same(actual, expected, []);
}

type Pair = readonly [unknown, unknown];

function same(actual: unknown, expected: unknown, above: readonly Pair[]): boolean {
  if (Object.is(actual, expected)) return true;
  if (typeof expected !== 'object' || expected === null) return false;
  const { asymmetricMatch } = expected as { asymmetricMatch?: unknown };
  if (typeof asymmetricMatch === 'function') return Boolean(asymmetricMatch.call(expected, actual));
  if (typeof actual !== 'object' || actual === null) return false;
  // a value that holds itself was compared, if the other one does so in the same place
  if (above.some(([one, other]) => one === actual && other === expected)) return true;
  const path = [...above, [actual, expected] as const];
  if (expected instanceof Date) return actual instanceof Date && Object.is(actual.getTime(), expected.getTime());
  if (ArrayBuffer.isView(expected)) return ArrayBuffer.isView(actual) && sameBytes(actual, expected);
  if (Array.isArray(expected)) return Array.isArray(actual) && sameItems(actual, expected, path);
  if (expected instanceof Map) return actual instanceof Map && sameMaps(actual, expected, path);
  if (expected instanceof Set) return actual instanceof Set && sameSets(actual, expected, path);
  if (expected instanceof Error) {
    return actual instanceof Error && actual.name === expected.name && actual.message === expected.message;
  }
  if ([Date, Array, Map, Set, Error].some((kind) => actual instanceof kind) || ArrayBuffer.isView(actual)) return false;
  return sameRecords(actual as Record<string, unknown>, expected as Record<string, unknown>, path);
}

function sameBytes(actual: ArrayBufferView, expected: ArrayBufferView): boolean {
  const [one, other] = [actual, expected].map(
    (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength),
  ) as [Uint8Array, Uint8Array];
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function sameItems(actual: readonly unknown[], expected: readonly unknown[], path: readonly Pair[]): boolean {
  if (actual.length !== expected.length) return false;
  for (let i = 0; i < expected.length; i++) {
    if (!same(actual[i], expected[i], path)) return false;
  }
  return true;
}

function sameMaps(actual: Map<unknown, unknown>, expected: Map<unknown, unknown>, path: readonly Pair[]): boolean {
  return sameMembers([...actual], [...expected], path);
}

function sameSets(actual: Set<unknown>, expected: Set<unknown>, path: readonly Pair[]): boolean {
  return sameMembers([...actual], [...expected], path);
}

/** Whether each has its own counterpart, in whichever order. */
function sameMembers(actual: unknown[], expected: readonly unknown[], path: readonly Pair[]): boolean {
  if (actual.length !== expected.length) return false;
  return expected.every((value) => {
    const at = actual.findIndex((each) => same(each, value, path));
    return at >= 0 && actual.splice(at, 1).length === 1;
  });
}

function sameRecords(
  actual: Record<string, unknown>,
  expected: Record<string, unknown>,
  path: readonly Pair[],
): boolean {
  const names = new Set([...Object.keys(actual), ...Object.keys(expected)]);
  for (const name of names) {
    if (!same(actual[name], expected[name], path)) return false;
  }
  return true;
}

import fc from 'fast-check';

// Any characters, some of them outside of ASCII and of the first plane, and lengths that need two bytes.
export const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ minLength: 120, maxLength: 140 }),
  fc.string({ unit: 'binary', minLength: 60, maxLength: 70 }),
);
export const texts = fc.array(text, { maxLength: 3 });
export const bytes = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 120, maxLength: 300 }));
export const int32 = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31)));
export const int32s = fc.array(int32, { maxLength: 4 });

const edges = [
  0n,
  1n,
  127n,
  128n,
  2n ** 28n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 35n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
];
export const uint64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(...edges, 2n ** 63n, 2n ** 64n - 1n),
);
export const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(...edges, ...edges.map((edge) => -edge), 2n ** 63n - 1n, -(2n ** 63n)),
);

/** The oracle keeps maps in objects, where this one name has a meaning of its own. */
const name = text.filter((value) => value !== '__proto__');
export const headers = fc.array(fc.tuple(name, bytes), { maxLength: 3 }).map((entries) => new Map(entries));

/** A field that can be absent: `undefined` then, never a missing key. */
export function maybe<T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(values, { nil: undefined });
}

/** Objects with these fields. Without a prototype, as some of `fc.record` are, they would equal none of ours. */
export function record<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

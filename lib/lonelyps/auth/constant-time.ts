/**
 * Whether both are the same, in a time that says nothing of where they differ.
 * @param expected - the secret one; the time depends on its length alone
 * @internal
 */
export function equalInConstantTime(given: Uint8Array, expected: Uint8Array): boolean {
  let difference = given.length ^ expected.length;
  for (let at = 0; at < expected.length; at++) difference |= (given[at] ?? 0) ^ expected[at]!;
  return difference === 0;
}

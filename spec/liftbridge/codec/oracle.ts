import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import protobuf from 'protobufjs';

// protobufjs with the descriptions in proto/liftbridge: what it writes and reads is what ours has to read and write.

const root = new protobuf.Root();
for (const name of ['liftbridge', 'activity']) {
  const source = readFileSync(new URL(`../../../proto/liftbridge/${name}.proto`, import.meta.url), 'utf8');
  protobuf.parse(source, root, { keepCase: true });
}

/** A message as any object with its fields. */
export type Fields = Record<string, unknown>;

/** `fields` by the names of the wire; 64 bit integers are bigints, maps are Maps, what is undefined is absent. */
export function theirEncode(name: string, fields: Fields): Uint8Array {
  const type = root.lookupType(`proto.${name}`);
  return Uint8Array.from(type.encode(type.fromObject(plain(fields) as Fields)).finish());
}

/** All fields by the names of the wire; absent messages are null. */
export function theirDecode(name: string, bytes: Uint8Array): Fields {
  const type = root.lookupType(`proto.${name}`);
  return type.toObject(type.decode(bytes), { defaults: true, longs: BigInt, bytes: Array });
}

/** It takes a 64 bit integer as text, not as a bigint. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  const entries = value instanceof Map ? [...value.entries()] : Object.entries(value);
  return Object.fromEntries(
    entries.filter(([, part]) => part !== undefined).map(([name, part]) => [String(name), plain(part)]),
  );
}

/** The fields of a message, one by one, told by a decoder that has nothing to do with ours. */
export function fieldsOf(bytes: Uint8Array): Uint8Array[] {
  const reader = protobuf.Reader.create(bytes);
  const parts: Uint8Array[] = [];
  while (reader.pos < bytes.length) {
    const start = reader.pos;
    reader.skipType(reader.uint32() & 7);
    parts.push(bytes.slice(start, reader.pos));
  }
  return parts;
}

/** A field with a number that no message has, of each wire type that may be skipped. */
export const unknownField: fc.Arbitrary<Uint8Array> = fc
  .record({
    field: fc.constantFrom(20, 99, 2047, 2048, 2 ** 29 - 1),
    type: fc.constantFrom(0, 1, 2, 5),
    content: fc.uint8Array({ minLength: 8, maxLength: 200 }),
    number: fc.oneof(fc.constantFrom('0', '-1', '9007199254740993'), fc.nat().map(String)),
  })
  .map(({ field, type, content, number }) => {
    const writer = protobuf.Writer.create().uint32(((field << 3) | type) >>> 0);
    if (type === 0) writer.int64(number);
    if (type === 1) writer.double(1.5);
    if (type === 2) writer.bytes(content);
    if (type === 5) writer.float(1.5);
    return Uint8Array.from(writer.finish());
  });

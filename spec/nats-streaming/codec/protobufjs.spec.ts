import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { concat, oddView } from './bytes.js';
import { rows, type Fields } from './messages.js';

const source = readFileSync(new URL('../../../proto/nats-streaming.proto', import.meta.url), 'utf8');
const { root } = protobuf.parse(source, { keepCase: true });

// Our names, where they are not those of the wire.
const wireNames: Readonly<Record<string, string>> = { clientId: 'clientID', connId: 'connID', crc32: 'CRC32' };
const ourNames = Object.fromEntries(Object.entries(wireNames).map(([ours, wire]) => [wire, ours]));

function renamed(fields: Fields, names: Readonly<Record<string, string>>): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [names[name] ?? name, value]));
}

function theirEncode(type: protobuf.Type, fields: Fields): Uint8Array {
  // It takes a 64 bit integer as text, not as a bigint.
  const plain = Object.entries(renamed(fields, wireNames)).map(([name, value]) => [
    name,
    typeof value === 'bigint' ? value.toString() : value,
  ]);
  return type.encode(type.fromObject(Object.fromEntries(plain) as Fields)).finish();
}

function theirDecode(type: protobuf.Type, bytes: Uint8Array): Fields {
  const fields = type.toObject(type.decode(bytes), { defaults: true, longs: BigInt });
  return renamed(
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plainBytes(value)])),
    ourNames,
  );
}

/** A Buffer, or an array for no bytes, as what we give. */
function plainBytes(value: unknown): unknown {
  return Array.isArray(value) || value instanceof Uint8Array ? Uint8Array.from(value as Uint8Array) : value;
}

/** The fields of a frame, one by one, told by a decoder that has nothing to do with ours. */
function fieldsOf(bytes: Uint8Array): Uint8Array[] {
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
const unknownField = fc
  .record({
    field: fc.constantFrom(13, 15, 16, 99, 101, 2047, 2048, 2 ** 29 - 1),
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

describe('nats-streaming codec: equal to protobufjs', () => {
  for (const { name, encode, decode, examples } of rows) {
    describe(name, () => {
      const type = root.lookupType(`pb.${name}`);

      it('reads what we write', () => {
        fc.assert(
          fc.property(examples, (fields) => {
            expect(theirDecode(type, encode(fields))).to.deep.equal(fields);
          }),
        );
      });

      it('writes what we read, at any offset of a buffer', () => {
        fc.assert(
          fc.property(examples, (fields) => {
            const bytes = theirEncode(type, fields);
            expect(decode(bytes)).to.deep.equal(fields);
            expect(decode(oddView(bytes))).to.deep.equal(fields);
          }),
        );
      });

      it('in any order, with unknown fields between', () => {
        fc.assert(
          fc.property(
            examples,
            fc.array(unknownField, { maxLength: 4 }),
            fc.infiniteStream(fc.nat({ max: 1000 })),
            (fields, unknown, order) => {
              const parts = [...fieldsOf(theirEncode(type, fields)), ...unknown]
                .map((part) => ({ part, rank: order.next().value as number }))
                .sort((a, b) => a.rank - b.rank);
              expect(decode(concat(...parts.map(({ part }) => part)))).to.deep.equal(fields);
            },
          ),
        );
      });

      it('the last one counts of a field that comes twice', () => {
        fc.assert(
          fc.property(examples, examples, (earlier, later) => {
            const bytes = concat(theirEncode(type, earlier), theirEncode(type, later));
            expect(decode(bytes)).to.deep.equal(theirDecode(type, bytes));
          }),
        );
      });

      it('nothing but defaults is no bytes', () => {
        const defaults = decode(new Uint8Array(0));
        expect(defaults).to.deep.equal(theirDecode(type, new Uint8Array(0)));
        expect(encode(defaults)).to.have.length(0);
      });

      it('a cut frame is read as if nothing came behind it', () => {
        fc.assert(
          fc.property(examples, fc.nat(), (fields, cut) => {
            const bytes = theirEncode(type, fields);
            const length = cut % (bytes.length + 1);
            expect(outcome(decode, oddView(bytes).subarray(0, length))).to.deep.equal(
              outcome(decode, bytes.slice(0, length)),
            );
          }),
        );
      });
    });
  }
});

function outcome(decode: (bytes: Uint8Array) => Fields, bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch (error) {
    return (error as Error).message;
  }
}

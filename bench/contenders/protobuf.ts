/** A text, or bytes, as a protobuf field. */
export function field(id: number, value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.of((id << 3) | 2), varint(bytes.length), bytes]);
}

/** A number of 0 or more as a protobuf field. */
export function number(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.of(id << 3), varint(value)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

import { FieldWriter } from '../../../lib/lonelyps/codec/field-writer.js';

/** A websocket message whose headers have their names. `count` can lie. */
export function encodeExpanded(
  type: number,
  headers: readonly (readonly [name: string, value: Uint8Array])[],
  body = new Uint8Array(0) as Uint8Array,
  count = headers.length,
): Uint8Array {
  const out = new FieldWriter(1024 + body.length).u16(0).u16(type).u16(count);
  for (const [name, value] of headers) out.lp16(name).lp16(value);
  return out.raw(body).finish();
}

import type { Reader } from '../../core/wire/reader.js';
import { Writer } from '../../core/wire/writer.js';

/** Headers to be sent: names and bytes. A `Map` is one. */
export type HeaderEntries = Iterable<readonly [name: string, value: Uint8Array]>;

/** The numbers of the field that holds the headers. */
export const headerFields = { publish: 5, publishToSubject: 4, message: 9 } as const;

const none = new Uint8Array(0);

/** The fields of all headers, to be written into a message whose header field has this number. */
export function encodeHeaders(headers: HeaderEntries, field: number): Uint8Array {
  const fields = new Writer();
  for (const [name, value] of headers) fields.message(field, encodeEntry(name, value));
  return fields.finish();
}

/** Both are always written, as other implementations do. */
function encodeEntry(name: string, value: Uint8Array): Uint8Array {
  const entry = new Writer();
  entry.strings(1, [name]);
  return entry.message(2, value).view();
}

/**
 * Adds an entry to a map. Where a name comes twice the last one counts. The value is a view of the bytes.
 * Throws `ProtocolError`.
 */
export function readHeader(entry: Reader, into: Map<string, Uint8Array>): void {
  let name = '';
  let value: Uint8Array = none;
  for (let field = entry.next(); field !== 0; field = entry.next()) {
    if (field === 1) name = entry.string();
    else if (field === 2) value = entry.view();
    else entry.skip();
  }
  into.set(name, value);
}

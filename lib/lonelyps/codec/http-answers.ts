import { FieldReader } from './field-reader.js';
import { etagFormat } from './http-requests.js';
import { frameOf } from './malformed.js';

/** What all answers of a broadcaster begin with. @internal */
export interface Answer {
  /** '' for none. */
  readonly authorization: string;
  /** A view; it is signed with the rest. */
  readonly tracing: Uint8Array;
}

/** The answer to `notify`. @internal */
export interface NotifyAnswer extends Answer {
  /** How many subscribers have the message. */
  readonly notified: number;
  /** As it was in the request. */
  readonly identifier: Uint8Array;
}

/** The answer to `check_subscriptions`. @internal */
export interface CheckAnswer extends Answer {
  /** Of what the broadcaster has, 64 bytes. */
  readonly etag: Uint8Array;
}

const generic = { type: 3, frame: frameOf('RESPONSE_GENERIC') } as const;
const notify = { type: 4, frame: frameOf('RESPONSE_NOTIFY') } as const;
const check = { type: 5, frame: frameOf('RESPONSE_CHECK_SUBSCRIPTIONS') } as const;
type Expected = typeof generic | typeof notify | typeof check;

/** The answer to subscribe, unsubscribe and set. Throws `ProtocolError` for anything else. @internal */
export function decodeGenericAnswer(bytes: Uint8Array): Answer {
  const { reader, authorization, tracing } = open(bytes, generic);
  reader.end();
  return { authorization, tracing };
}

/** Throws `ProtocolError` for anything else. @internal */
export function decodeNotifyAnswer(bytes: Uint8Array): NotifyAnswer {
  const { reader, authorization, tracing } = open(bytes, notify);
  const notified = reader.u32('number of subscribers');
  const identifier = reader.lp8('identifier');
  reader.end();
  return { authorization, tracing, notified, identifier };
}

/** Throws `ProtocolError` for anything else. @internal */
export function decodeCheckAnswer(bytes: Uint8Array): CheckAnswer {
  const { reader, authorization, tracing } = open(bytes, check);
  const format = reader.u8('etag format');
  if (format !== etagFormat) throw reader.error(reader.at - 1, `its etag has the unknown format ${String(format)}`);
  const etag = reader.fixed(64, 'etag');
  reader.end();
  return { authorization, tracing, etag };
}

function open(bytes: Uint8Array, expected: Expected): Answer & { readonly reader: FieldReader } {
  const reader = new FieldReader(bytes, expected.frame);
  const type = reader.u16('type');
  if (type !== expected.type) {
    throw reader.error(0, `its type is ${String(type)}, and ${String(expected.type)} was due`);
  }
  return { reader, authorization: reader.text('authorization'), tracing: reader.lp16('tracing') };
}

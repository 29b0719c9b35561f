/** What rstream writes into AMQP messages, and what it reads from them. It reads strings and symbols as bytes. */
export type RstreamValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | RstreamUuid
  | readonly RstreamValue[]
  | ReadonlyMap<RstreamValue, RstreamValue>;

/** A UUID, which JavaScript has no value for. */
export interface RstreamUuid {
  readonly uuid: string;
}

/** Names and values. */
export type RstreamFields = Readonly<Record<string, RstreamValue>>;

/** The properties by their names in rstream, such as `message_id`. Times are milliseconds. */
export type RstreamProperties = RstreamFields;

/** A message that rstream publishes: bytes that are no AMQP message, or the sections of one. */
export type RstreamOutgoing = {
  /** Its publishing id. Default: the next one. */
  readonly id?: bigint;
} & (
  | { readonly raw: Uint8Array }
  | {
      /** The data section. rstream writes a string here too, but what comes of it is no AMQP message. */
      readonly body?: Uint8Array | string;
      readonly value?: RstreamValue;
      readonly sequence?: readonly RstreamValue[];
      readonly properties?: RstreamProperties;
      readonly applicationProperties?: RstreamFields;
      readonly annotations?: RstreamFields;
    }
);

/** A message that rstream has read. */
export interface RstreamIncoming {
  readonly offset: bigint;
  /** The bytes of the record, where it was not decoded. */
  readonly raw?: RstreamValue;
  /** What rstream's decoder ended with. */
  readonly error?: string;
  readonly body?: RstreamValue;
  readonly value?: RstreamValue;
  readonly sequence?: RstreamValue;
  readonly properties?: RstreamFields;
  readonly applicationProperties?: RstreamFields;
  readonly annotations?: RstreamFields;
}

/** The message as the peer's line has it. */
export function outgoingJson(message: RstreamOutgoing): unknown {
  const id = message.id === undefined ? {} : { id: toJson(message.id) };
  if ('raw' in message) {
    return { ...id, raw: toJson(message.raw) };
  }
  const { body, value, sequence, properties, applicationProperties, annotations } = message;
  const map = (fields: RstreamFields | undefined): unknown =>
    fields && { map: Object.entries(fields).map(([name, each]) => [name, toJson(each)]) };
  return {
    ...id,
    body: body === undefined ? undefined : toJson(body),
    value: value === undefined ? undefined : toJson(value),
    sequence: sequence === undefined ? undefined : toJson(sequence),
    properties: map(properties),
    application_properties: map(applicationProperties),
    annotations: map(annotations),
  };
}

/** The message from the peer's line. */
export function incomingOf(offset: string, json: Readonly<Record<string, unknown>>): RstreamIncoming {
  if ('error' in json) {
    return { offset: BigInt(offset), error: String(json['error']) };
  }
  if ('raw' in json) {
    return { offset: BigInt(offset), raw: fromJson(json['raw']) };
  }
  return {
    offset: BigInt(offset),
    body: fromJson(json['body']),
    value: fromJson(json['value']),
    sequence: fromJson(json['sequence']),
    properties: fieldsOf(json['properties']),
    applicationProperties: fieldsOf(json['application_properties']),
    annotations: fieldsOf(json['annotations']),
  };
}

/** Text where the value is bytes, in lists and maps too: rstream reads strings and symbols as bytes. */
export function textOf(value: RstreamValue | undefined): unknown {
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString();
  }
  if (value instanceof Map) {
    return new Map([...value].map(([key, each]) => [textOf(key), textOf(each)]));
  }
  return Array.isArray(value) ? value.map(textOf) : value;
}

/** The same for all fields. */
export function textsOf(fields: RstreamFields | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields ?? {}).map(([name, value]) => [name, textOf(value)]));
}

function toJson(value: RstreamValue): unknown {
  if (typeof value === 'bigint') {
    return { int: String(value) };
  }
  if (typeof value === 'number' && !Number.isInteger(value)) {
    return { double: value };
  }
  if (value instanceof Uint8Array) {
    return { bytes: Buffer.from(value).toString('hex') };
  }
  if (value instanceof Map) {
    return { map: [...value].map(([key, each]) => [toJson(key), toJson(each)]) };
  }
  return Array.isArray(value) ? value.map(toJson) : value;
}

function fromJson(json: unknown): RstreamValue {
  if (Array.isArray(json)) {
    return json.map(fromJson);
  }
  if (typeof json !== 'object' || json === null) {
    return json as null | boolean | number | string;
  }
  const [[kind, content]] = Object.entries(json) as [[string, never]];
  switch (kind) {
    case 'bytes':
      return new Uint8Array(Buffer.from(content, 'hex'));
    case 'int':
      return BigInt(content);
    case 'double':
      return content;
    case 'uuid':
      return { uuid: content };
    case 'map':
      return new Map((content as [unknown, unknown][]).map(([key, each]) => [fromJson(key), fromJson(each)]));
    default:
      throw new Error(`rstream has read a value of a kind that the peer has no word for: ${String(content)}`);
  }
}

function fieldsOf(json: unknown): RstreamFields {
  return Object.fromEntries([...(fromJson(json) as Map<RstreamValue, RstreamValue>)].map(([k, v]) => [textOf(k), v]));
}

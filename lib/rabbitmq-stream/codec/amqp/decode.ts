import { bytesOfBody } from './body.js';
import { sections } from './codes.js';
import { headerSection, propertiesSection, readComposite } from './composites.js';
import { malformed } from './malformed.js';
import { ValueReader } from './reader.js';
import { findSections, type SectionTable } from './sections.js';
import type { AmqpBody, AmqpMessage, AmqpProperties } from './types.js';

/**
 * A whole message. The data of its body is a view of the bytes if it is one section; all else is a copy.
 * Throws `ProtocolError` if the bytes are no message.
 */
export function decodeMessage(bytes: Uint8Array, start = 0, end = bytes.length): AmqpMessage {
  const record = bytes.subarray(start, end);
  const table = sectionsOf(record);
  return { body: bodyIn(record, table), ...extrasIn(record, table) };
}

/**
 * The same with the body as bytes: those of data, or of a value that is a string or binary. Undefined in place of
 * another body. Throws `ProtocolError` if the bytes are no message.
 */
export function decodeBytesMessage(record: Uint8Array): AmqpMessage<Uint8Array | undefined> {
  const table = sectionsOf(record);
  return { body: bytesOfBody(record, table), ...extrasIn(record, table) };
}

/**
 * The standard properties of a record; undefined if it has none, or is no AMQP message at all.
 * Throws `ProtocolError` if the section is malformed.
 */
export function decodeProperties(bytes: Uint8Array, start: number, end: number): AmqpProperties | undefined {
  const record = bytes.subarray(start, end);
  const table = findSections(record);
  return table.problem === undefined ? propertiesAt(record, table.properties) : undefined;
}

/**
 * The application properties of a record; undefined if it has none, or is no AMQP message at all.
 * Throws `ProtocolError` if the section is malformed.
 */
export function decodeApplicationProperties(
  bytes: Uint8Array,
  start: number,
  end: number,
): Map<string, unknown> | undefined {
  const record = bytes.subarray(start, end);
  const table = findSections(record);
  return table.problem === undefined ? fieldsAt(record, table.applicationProperties) : undefined;
}

/**
 * The message annotations of a record; undefined if it has none, or is no AMQP message at all.
 * Throws `ProtocolError` if the section is malformed.
 */
export function decodeAnnotations(bytes: Uint8Array, start: number, end: number): Map<string, unknown> | undefined {
  const record = bytes.subarray(start, end);
  const table = findSections(record);
  return table.problem === undefined ? fieldsAt(record, table.messageAnnotations) : undefined;
}

function sectionsOf(record: Uint8Array): SectionTable {
  const table = findSections(record);
  if (table.problem !== undefined) throw malformed(table.problem, table.problemAt);
  return table;
}

/** All but the body; what is absent is no member. */
function extrasIn(record: Uint8Array, table: SectionTable): Omit<AmqpMessage, 'body'> {
  const made: { -readonly [K in keyof Omit<AmqpMessage, 'body'>]: AmqpMessage[K] } = {};
  if (table.header >= 0) {
    made.header = readComposite(new ValueReader(record, table.header), headerSection, table.header);
  }
  if (table.deliveryAnnotations >= 0) made.deliveryAnnotations = fieldsAt(record, table.deliveryAnnotations);
  if (table.messageAnnotations >= 0) made.messageAnnotations = fieldsAt(record, table.messageAnnotations);
  if (table.properties >= 0) made.properties = propertiesAt(record, table.properties);
  if (table.applicationProperties >= 0) made.applicationProperties = fieldsAt(record, table.applicationProperties);
  if (table.footer >= 0) made.footer = fieldsAt(record, table.footer);
  return made;
}

function bodyIn(record: Uint8Array, table: SectionTable): AmqpBody {
  const { bodies, bodyKind } = table;
  if (bodyKind === sections.value) return { kind: 'value', value: new ValueReader(record, bodies[0]!).value() };
  if (bodyKind !== sections.sequence) return { kind: 'data', data: bytesOfBody(record, table)! };
  return { kind: 'sequence', items: bodies.flatMap((at) => new ValueReader(record, at).list()) };
}

function propertiesAt(record: Uint8Array, at: number): AmqpProperties | undefined {
  return at < 0 ? undefined : readComposite(new ValueReader(record, at), propertiesSection, at);
}

function fieldsAt(record: Uint8Array, at: number): Map<string, unknown> | undefined {
  return at < 0 ? undefined : new ValueReader(record, at).fields();
}

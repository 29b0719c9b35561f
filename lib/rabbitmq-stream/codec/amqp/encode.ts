import { InvalidOptionError } from '../../../core/errors.js';
import { sections } from './codes.js';
import { headerSection, propertiesSection, writeComposite } from './composites.js';
import { dataSectionLength, writeDataSection } from './data-section.js';
import { isBytes } from './kinds.js';
import { unwritable } from './malformed.js';
import type { AmqpBody, AmqpFields, AmqpMessageInit } from './types.js';
import { ValueWriter } from './writer.js';

/** What comes before the body of a message. */
export type AmqpPreamble = Omit<AmqpMessageInit, 'body' | 'footer'>;

/** The names of the maps that go before the body. */
export interface MapNames {
  readonly messageAnnotations: string;
  readonly applicationProperties: string;
}

const mapNames: MapNames = {
  messageAnnotations: 'messageAnnotations',
  applicationProperties: 'applicationProperties',
};

const members = [
  'body',
  'header',
  'deliveryAnnotations',
  'messageAnnotations',
  'properties',
  'applicationProperties',
  'footer',
] satisfies (keyof AmqpMessageInit)[];

const slabBytes = 32_768;
/** What is larger than this gets a buffer of its own, as it would leave too much of a slab unused. */
const sharedBytes = 2048;

let slab: ArrayBuffer | undefined;
let used = 0;

/** What has grown larger than that is not kept. */
const keptBytes = 65_536;

/** The writer of the message before, unless one is at work: a getter of the user's may encode another message. */
let spare: ValueWriter | undefined;

/** A whole message. Throws `InvalidOptionError`, which names the value that it has no form for. */
export function encodeMessage(message: AmqpMessageInit): Uint8Array {
  checkMessage(message);
  const body = bodyOf(message.body);
  const writer = takeWriter();
  writePreamble(writer, message, mapNames);
  // data is not copied into the writer, because it can be large
  const data = body.kind === 'data' ? body.data : undefined;
  if (data === undefined) writeBody(writer, body);
  const footerAt = writer.pos;
  writeFields(writer, sections.footer, 'footer', message.footer, 'symbols');
  const written = writer.bytes.subarray(0, writer.pos);
  const made = takeBytes(written.length + (data === undefined ? 0 : dataSectionLength(data.length)));
  made.set(written.subarray(0, footerAt));
  const end = data === undefined ? footerAt : writeDataSection(made, footerAt, data);
  made.set(written.subarray(footerAt), end);
  giveBack(writer);
  return made;
}

/**
 * The sections before the body: with a data section behind them they are a message.
 * Throws `InvalidOptionError`, which names the value that it has no form for.
 * @param names - what the user calls the maps, for errors
 */
export function encodePreamble(preamble: AmqpPreamble, names: MapNames = mapNames): Uint8Array {
  const writer = takeWriter();
  writePreamble(writer, preamble, names);
  const made = takeBytes(writer.pos);
  made.set(writer.bytes.subarray(0, writer.pos));
  giveBack(writer);
  return made;
}

function writePreamble(writer: ValueWriter, preamble: AmqpPreamble, names: MapNames): void {
  const { header, deliveryAnnotations, messageAnnotations, properties, applicationProperties } = preamble;
  if (header !== undefined) writeComposite(writer, headerSection, header);
  writeFields(writer, sections.deliveryAnnotations, 'deliveryAnnotations', deliveryAnnotations, 'symbols');
  writeFields(writer, sections.messageAnnotations, names.messageAnnotations, messageAnnotations, 'symbols');
  if (properties !== undefined) writeComposite(writer, propertiesSection, properties);
  writeFields(writer, sections.applicationProperties, names.applicationProperties, applicationProperties, 'strings');
}

function writeFields(
  writer: ValueWriter,
  section: number,
  name: string,
  fields: AmqpFields | undefined,
  keys: 'symbols' | 'strings',
): void {
  if (fields === undefined) return;
  const before = writer.pos;
  writer.section(section);
  if (writer.fields(name, fields, keys) === 0) writer.pos = before;
}

function writeBody(writer: ValueWriter, body: AmqpBody): void {
  if (body.kind === 'sequence') {
    if (!Array.isArray(body.items)) throw unwritable('body.items', 'an array', body.items);
    writer.section(sections.sequence);
    writer.list(body.items, 'body.items');
  } else if (body.kind === 'value') {
    writer.section(sections.value);
    writer.value(body.value, 'body.value', '');
  }
}

function bodyOf(body: AmqpBody | Uint8Array): AmqpBody {
  if (isBytes(body)) return { kind: 'data', data: body };
  const kind: unknown = (body as AmqpBody | null | undefined)?.kind;
  if (kind !== 'data' && kind !== 'sequence' && kind !== 'value') {
    throw unwritable('body', "a Uint8Array, or an object whose kind is 'data', 'sequence' or 'value'", body);
  }
  if (body.kind === 'data' && !isBytes(body.data)) {
    throw unwritable('body.data', 'a Uint8Array', body.data);
  }
  return body;
}

/** Throws `InvalidOptionError` if that is no message, or has a member that no message has. */
export function checkMessage(message: object): void {
  if (typeof message !== 'object' || message === null) {
    throw unwritable('an AMQP message', 'an object with a body', message);
  }
  for (const key in message) {
    if ((members as string[]).includes(key)) continue;
    throw new InvalidOptionError(`an AMQP message has no '${key}'; it takes ${members.join(', ')}`, {
      broker: 'rabbitmq-stream',
    });
  }
}

/** Bytes of a shared buffer, handed out once and never again: a buffer for each message costs more than encoding it. */
function takeBytes(size: number): Uint8Array {
  if (size > sharedBytes) return new Uint8Array(size);
  if (slab === undefined || used + size > slabBytes) {
    slab = new ArrayBuffer(slabBytes);
    used = 0;
  }
  used += size;
  return new Uint8Array(slab, used - size, size);
}

function takeWriter(): ValueWriter {
  const writer = spare ?? new ValueWriter();
  spare = undefined;
  writer.pos = 0;
  return writer;
}

/** A writer that threw is not given back; the next message makes its own. */
function giveBack(writer: ValueWriter): void {
  if (writer.bytes.length <= keptBytes) spare = writer;
}

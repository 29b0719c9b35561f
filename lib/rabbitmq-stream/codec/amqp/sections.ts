import { decodeText } from '../../../core/wire/text.js';
import { codes, sections } from './codes.js';
import { valueEnd } from './layout.js';

/** Where the values of a message's sections begin; -1 where there is no such section. */
export class SectionTable {
  header = -1;
  deliveryAnnotations = -1;
  messageAnnotations = -1;
  properties = -1;
  applicationProperties = -1;
  footer = -1;
  /** What the body is made of: one of the three descriptors, or 0 where there is no body. */
  bodyKind = 0;
  /** The sections of the body; more than one of data and of sequences. */
  readonly bodies: number[] = [];
  /** Why the bytes are no message; undefined if they are one. */
  problem: string | undefined;
  problemAt = 0;
}

const symbolic: ReadonlyMap<string, number> = new Map([
  ['amqp:header:list', sections.header],
  ['amqp:delivery-annotations:map', sections.deliveryAnnotations],
  ['amqp:message-annotations:map', sections.messageAnnotations],
  ['amqp:properties:list', sections.properties],
  ['amqp:application-properties:map', sections.applicationProperties],
  ['amqp:data:binary', sections.data],
  ['amqp:amqp-sequence:list', sections.sequence],
  ['amqp:amqp-value:*', sections.value],
  ['amqp:footer:map', sections.footer],
]);

/**
 * Goes once over the sections, without a look into them. Bytes that are no message are no error here, since they may be
 * in a stream as well as any other: the table tells what is wrong with them. Unknown sections are passed over.
 */
export function findSections(bytes: Uint8Array): SectionTable {
  const table = new SectionTable();
  const end = bytes.length;
  let known = 0;
  let pos = 0;
  while (pos < end) {
    if (bytes[pos] !== codes.described) return failed(table, pos, 'a section does not begin with 0x00');
    // nearly all descriptors are of this form
    const short = bytes[pos + 1] === codes.smallUlong;
    const value = short ? pos + 3 : valueEnd(bytes, pos + 1, end);
    const after = value < 0 ? -1 : valueEnd(bytes, value, end);
    if (after < 0) return failed(table, pos, 'a section ends behind the record');
    const section = short ? sectionOfCode(bytes[pos + 2]!) : sectionOf(bytes, pos + 1, value);
    if (section !== 0) {
      known++;
      const problem = enter(table, section, bytes[value]!, value);
      if (problem !== undefined) return failed(table, value, problem);
    }
    pos = after;
  }
  return known === 0 ? failed(table, 0, 'it has none of the sections of a message') : table;
}

function failed(table: SectionTable, at: number, problem: string): SectionTable {
  table.problem = problem;
  table.problemAt = at;
  return table;
}

/** What the descriptor from `pos` to before `end` is of; 0 if that is no known section. */
function sectionOf(bytes: Uint8Array, pos: number, end: number): number {
  switch (bytes[pos]) {
    case codes.ulong:
      for (let high = pos + 1; high < pos + 8; high++) if (bytes[high] !== 0) return 0;
      return sectionOfCode(bytes[pos + 8]!);
    case codes.symbol8:
      return symbolic.get(decodeText(bytes, pos + 2, end)) ?? 0;
    case codes.symbol32:
      return symbolic.get(decodeText(bytes, pos + 5, end)) ?? 0;
    default:
      return 0;
  }
}

function sectionOfCode(code: number): number {
  return code >= sections.header && code <= sections.footer ? code : 0;
}

/** Notes a section whose value is of the type `code`; tells what is wrong with it. */
function enter(table: SectionTable, section: number, code: number, at: number): string | undefined {
  const isList = code === codes.list0 || code === codes.list8 || code === codes.list32;
  const isMap = code === codes.map8 || code === codes.map32;
  switch (section) {
    case sections.header:
      if (!isList || table.header >= 0) return 'the header is no list, or there are two';
      table.header = at;
      return undefined;
    case sections.deliveryAnnotations:
      if (!isMap || table.deliveryAnnotations >= 0) return 'the delivery annotations are no map, or there are two';
      table.deliveryAnnotations = at;
      return undefined;
    case sections.messageAnnotations:
      if (!isMap || table.messageAnnotations >= 0) return 'the message annotations are no map, or there are two';
      table.messageAnnotations = at;
      return undefined;
    case sections.properties:
      if (!isList || table.properties >= 0) return 'the properties are no list, or there are two';
      table.properties = at;
      return undefined;
    case sections.applicationProperties:
      if (!isMap || table.applicationProperties >= 0) return 'the application properties are no map, or there are two';
      table.applicationProperties = at;
      return undefined;
    case sections.footer:
      if (!isMap || table.footer >= 0) return 'the footer is no map, or there are two';
      table.footer = at;
      return undefined;
    case sections.data:
      if (code !== codes.binary8 && code !== codes.binary32) return 'a data section is not binary';
      break;
    case sections.sequence:
      if (!isList) return 'a sequence is no list';
      break;
    default:
      if (table.bodies.length > 0) return 'there is a value behind another body';
  }
  if (table.bodies.length > 0 && table.bodyKind !== section) return 'there are bodies of two kinds';
  table.bodyKind = section;
  table.bodies.push(at);
  return undefined;
}

import { InvalidOptionError } from '../../core/errors.js';
import { encodeText } from '../../core/wire/text.js';

/** How many bytes a topic, a glob or a URL can have. @internal */
export const topicLimit = 65_535;

// A topic is bytes and most topics are text. Where a byte is not part of valid UTF-8, the text has the lone surrogate
// U+DC00 + byte for it, which no valid UTF-8 can give: so each topic has a text of its own, and the text gives it back.
const escapes = 0xdc00;
const loneSurrogate = /\p{Surrogate}/u;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const longestDecodeLoop = 24;

/**
 * The bytes of a topic that is given as text.
 * @throws InvalidOptionError for a text of which {@link topicProblem} says something
 * @internal
 */
export function topicBytes(text: string): Uint8Array {
  const bytes = loneSurrogate.test(text) ? unescaped(text) : encodeText(text);
  const problem = typeof bytes === 'string' ? bytes : lengthProblem(bytes.length);
  if (problem !== undefined) throw new InvalidOptionError(`a topic of lonelyps ${problem}`, { broker: 'lonelyps' });
  return bytes as Uint8Array;
}

/** The text of a topic; never fails, and two topics never have the same. @internal */
export function topicText(bytes: Uint8Array): string {
  const { length } = bytes;
  if (length <= longestDecodeLoop) {
    let text = '';
    let at = 0;
    for (; at < length && bytes[at]! < 0x80; at++) text += String.fromCharCode(bytes[at]!);
    if (at === length) return text;
  }
  const text = decoder.decode(bytes);
  // what is no UTF-8 has become this, but a topic can have the character itself too; an exception would cost more
  return text.includes('\ufffd') ? escaped(bytes) : text;
}

/** Whether the text stands for bytes that are UTF-8: only such topics can match a glob. @internal */
export function isUtf8Topic(text: string): boolean {
  return !loneSurrogate.test(text);
}

/** What is wrong with a topic, in words that fit after "a topic"; undefined if nothing is. @internal */
export function topicProblem(topic: string | Uint8Array): string | undefined {
  if (typeof topic !== 'string') return lengthProblem(topic.length);
  if (!loneSurrogate.test(topic)) return lengthProblem(encodeText(topic).length);
  const bytes = unescaped(topic);
  return typeof bytes === 'string' ? bytes : lengthProblem(bytes.length);
}

function lengthProblem(length: number): string | undefined {
  if (length <= topicLimit) return undefined;
  return `can have ${String(topicLimit)} bytes at most, and this one has ${String(length)}`;
}

/** The bytes of a text with lone surrogates, or what is wrong with it. */
function unescaped(text: string): Uint8Array | string {
  const bytes: number[] = [];
  for (const each of text) {
    const code = each.codePointAt(0)!;
    if (code < 0x80) bytes.push(code);
    else if (code < 0xd800 || code > 0xdfff) bytes.push(...encodeText(each));
    else if (code >= escapes + 0x80 && code <= escapes + 0xff) bytes.push(code - escapes);
    else return `must be Unicode text, and this one has the half character U+${code.toString(16).toUpperCase()}`;
  }
  const topic = Uint8Array.from(bytes);
  if (topicText(topic) === text) return topic;
  return 'must be written in one way only, and this one has valid UTF-8 as U+DC80 to U+DCFF: give it as bytes';
}

function escaped(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = characterLength(bytes, at);
    text += length === 0 ? String.fromCharCode(escapes + bytes[at]!) : character(bytes, at, length);
    at += Math.max(1, length);
  }
  return text;
}

/** The character that so many bytes are, which are known to be one. */
function character(bytes: Uint8Array, at: number, length: number): string {
  if (length === 1) return String.fromCharCode(bytes[at]!);
  let code = bytes[at]! & (0x7f >> length);
  for (let i = 1; i < length; i++) code = (code << 6) | (bytes[at + i]! & 0x3f);
  return String.fromCodePoint(code);
}

/** How many bytes the character has that begins there; 0 where none does. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  // the second byte has narrower bounds after these: longer forms than needed, surrogates, beyond U+10FFFF
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1] ?? 0;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

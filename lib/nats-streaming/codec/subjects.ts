/**
 * A name of this many bytes always fits, with what else stands on the line, in the 4096 bytes of a NATS protocol line.
 * A longer line makes the NATS server close the connection, whoever shares it.
 */
const maxBytes = 1024;

const wildcards = /[*>]/u;
// White space ends a subject on the NATS wire, and a line break begins another command.
const blanks = /\s/u;
const controls = /\p{Cc}/u;
const loneSurrogates = /\p{Surrogate}/u;
const clientIdRule = /^[A-Za-z0-9_-]+$/;

/** What is wrong with the name of a channel, as the end of a sentence; undefined if nothing is. */
export function channelProblem(name: unknown): string | undefined {
  const problem = subjectProblem(name);
  if (problem !== undefined) return problem;
  // The server keeps a channel in a folder of that name.
  return (name as string).includes('/') ? `it holds '/', which the server does not allow in a channel` : undefined;
}

/**
 * What is wrong with a subject or a part of one: a cluster id, a prefix of inboxes or of discovery. Undefined if nothing
 * is. The NATS clients don't look at all of this themselves, and what they let through harms the whole connection.
 */
export function subjectProblem(subject: unknown): string | undefined {
  if (typeof subject !== 'string') return `it is of type ${typeOf(subject)}, not string`;
  if (subject === '') return 'it is empty';
  if (blanks.test(subject)) return 'it holds white space';
  if (controls.test(subject)) return 'it holds a control character';
  if (loneSurrogates.test(subject)) return 'it holds half of a surrogate pair';
  const wildcard = wildcards.exec(subject);
  if (wildcard !== null) return `it holds the wildcard '${wildcard[0]}', and one place is asked for, not many`;
  if (subject.startsWith('.')) return `it begins with '.'`;
  if (subject.endsWith('.')) return `it ends with '.'`;
  if (subject.includes('..')) return `it holds '..', an empty part`;
  if (utf8Length(subject) > maxBytes) return `it is longer than ${String(maxBytes)} bytes`;
  return undefined;
}

/** What is wrong with the id of a client; undefined if nothing is. The rule is the server's. */
export function clientIdProblem(id: unknown): string | undefined {
  if (typeof id !== 'string') return `it is of type ${typeOf(id)}, not string`;
  if (id === '') return 'it is empty';
  return clientIdRule.test(id) ? undefined : `it may hold only letters and digits of ASCII, '-' and '_'`;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** Counted without encoding, for strings without lone surrogates. */
function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A pair takes 4 bytes for two units, which are counted one each here.
    if (unit >= 0xd800 && unit <= 0xdfff) bytes += 1;
    else if (unit > 0x7ff) bytes += 2;
    else if (unit > 0x7f) bytes += 1;
  }
  return bytes;
}

import type { Delivery } from '../core/delivery.js';
import { UsageError } from './exit.js';

type Writer = (delivery: Delivery) => string | Uint8Array;

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', '\\': '\\' };

/**
 * Makes of a format, as kcat's `-f` has them, what writes a delivery: `%s` the value, `%S` its length, `%R` the length as 4
 * bytes, `%k` the key, `%K` its length (-1: none), `%t` the channel, `%p` the partition, `%o` the offset, `%T` the time in
 * ms, `%h` the headers, `%%` a percent sign; `\n`, `\r`, `\t`, `\0`, `\\` and `\xNN`.
 * @throws UsageError
 */
export function compileFormat(format: string): (delivery: Delivery) => Uint8Array {
  const writers: (Writer | Uint8Array)[] = [];
  let literal: Buffer[] = [];
  const done = (): void => {
    if (literal.length > 0) writers.push(Buffer.concat(literal));
    literal = [];
  };
  for (const [token] of format.matchAll(/%[\s\S]?|\\x[0-9a-f]{2}|\\[\s\S]?|[^%\\]+/gi)) {
    if (token.startsWith('\\')) {
      literal.push(escaped(token));
    } else if (token === '%%') {
      literal.push(Buffer.from('%'));
    } else if (token.startsWith('%')) {
      done();
      writers.push(writerOf(token));
    } else {
      literal.push(Buffer.from(token));
    }
  }
  done();
  return (delivery) =>
    Buffer.concat(
      writers.map((each) => {
        const part = typeof each === 'function' ? each(delivery) : each;
        return typeof part === 'string' ? Buffer.from(part) : part;
      }),
    );
}

function escaped(token: string): Buffer {
  if (/^\\x../i.test(token)) return Buffer.from(token.slice(2), 'hex');
  const known = escapes[token.slice(1)];
  if (known === undefined)
    throw new UsageError(`--format: there is no '${token}'; there are \\n \\r \\t \\0 \\\\ and \\xNN`);
  return Buffer.from(known);
}

const none = new Uint8Array(0);

function writerOf(token: string): Writer {
  switch (token[1]) {
    case 's':
      return ({ value }) => value;
    case 'S':
      return ({ value }) => String(value.length);
    case 'R':
      return ({ value }) => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(value.length);
        return bytes;
      };
    case 'k':
      return ({ key }) => key ?? none;
    case 'K':
      return ({ key }) => String(key?.length ?? -1);
    case 't':
      return ({ channel }) => channel;
    case 'p':
      return (delivery) => String((delivery as { partition?: string | number }).partition ?? 0);
    case 'o':
      return ({ offset }) => String(offset ?? '-');
    case 'T':
      return ({ time }) => String(time?.getTime() ?? -1);
    case 'h':
      return ({ headers }) => [...headers].map(([name, value]) => `${name}=${headerText(value)}`).join(',');
    default:
      throw new UsageError(`--format: there is no '${token}'; there are %s %S %R %k %K %t %p %o %T %h and %%`);
  }
}

function headerText(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value);
}

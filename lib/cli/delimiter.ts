import { UsageError } from './exit.js';

const escapes: Readonly<Record<string, number>> = { '\\n': 10, '\\r': 13, '\\t': 9, '\\0': 0, '\\\\': 92 };

/** The one byte that stands between messages: itself, or `\n`, `\t`, `\0`, `\xNN`. @throws UsageError */
export function readDelimiter(text: string): number {
  const known = escapes[text];
  if (known !== undefined) return known;
  if (/^\\x[0-9a-f]{2}$/i.test(text)) return Number.parseInt(text.slice(2), 16);
  const bytes = Buffer.from(text);
  if (bytes.length === 1) return bytes[0] as number;
  throw new UsageError(`-D takes one byte, such as ',', \\n, \\0 or \\x1e; got '${text}'`);
}

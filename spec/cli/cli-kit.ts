import { createHash } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import { run } from '../../lib/cli/run.js';

/** What a command did. */
export interface Ran {
  readonly code: number;
  readonly bytes: Buffer;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command is given. */
export interface Given {
  readonly stdin?: string | Uint8Array | Readable;
  readonly stdout?: Collected;
  readonly stderr?: Collected;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Keeps what is written to it. */
export class Collected extends Writable {
  readonly chunks: Buffer[] = [];
  isTTY?: boolean;

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.chunks.push(chunk);
    done();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return this.bytes.toString('utf8');
  }
}

/** Runs a command in this process. */
export async function cli(args: readonly string[], given: Given = {}): Promise<Ran> {
  const { stdin = '', stdout = new Collected(), stderr = new Collected(), env = {} } = given;
  const code = await run(args, {
    stdin: stdin instanceof Readable ? stdin : Readable.from(stdin.length === 0 ? [] : [Buffer.from(stdin)]),
    stdout,
    stderr,
    env,
    signal: given.signal ?? new AbortController().signal,
  });
  return { code, bytes: stdout.bytes, stdout: stdout.text, stderr: stderr.text };
}

/** The values of the lines that `replay` writes, as one hash over each of them in order, and how many there are. */
export function hashOfLines(ndjson: string): { readonly count: number; readonly hash: string } {
  const hash = createHash('sha256');
  let count = 0;
  for (const line of ndjson.split('\n')) {
    if (line === '') continue;
    const { value, base64 } = JSON.parse(line) as { value?: string; base64?: string };
    hash.update(sized(value === undefined ? Buffer.from(base64!, 'base64') : Buffer.from(value)));
    count++;
  }
  return { count, hash: hash.digest('hex') };
}

/** The same over bytes. */
export function hashOfValues(values: Iterable<Uint8Array>): { readonly count: number; readonly hash: string } {
  const hash = createHash('sha256');
  let count = 0;
  for (const value of values) {
    hash.update(sized(value));
    count++;
  }
  return { count, hash: hash.digest('hex') };
}

/** With the length before it, so that no byte can move from one value to the next unseen. */
function sized(value: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return Buffer.concat([length, value]);
}

/** Values that a careless way would change: text of all planes, line ends, NULs, an empty one, and bytes that are no UTF-8. */
export function* trickyValues(count: number): Generator<Uint8Array> {
  const kinds = [
    (n: number) => Buffer.from(`message ${n}`),
    (n: number) => Buffer.from(`${n} \u0000\r\n\t"\\ \u2028\u{1f600} é \ufeff`),
    (n: number) => Buffer.from([0xff, 0xfe, n & 0xff, 0xc0, 0x80]),
    (n: number) => Buffer.from([0xed, 0xa0, 0x80, n & 0xff]),
    () => Buffer.alloc(0),
    (n: number) => Buffer.from(`\ufeff{"n":${n}}`),
    (n: number) => Buffer.alloc(n % 200, n & 0xff),
  ];
  for (let n = 0; n < count; n++) yield kinds[n % kinds.length]!(n);
}

/** Lines of NDJSON as somebody else would write them: text where it is, base64 for the rest. */
export function linesOf(values: Iterable<Uint8Array>): string {
  const lines: string[] = [];
  for (const value of values) {
    const text = Buffer.from(value).toString('utf8');
    const isText = Buffer.from(text).equals(value);
    lines.push(JSON.stringify(isText ? { value: text } : { base64: Buffer.from(value).toString('base64') }));
  }
  return `${lines.join('\n')}\n`;
}

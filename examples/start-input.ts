import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Where the lines come from. */
export interface Input {
  /** In words. */
  readonly name: string;
  readonly lines: AsyncIterable<string>;
}

/**
 * The lines of that file, with `-` of standard input. Without either: of what is piped in, if anything is, else the
 * packages in package-lock.json.
 * @throws Error when they cannot be read, and when there are none
 */
export async function inputFrom(file: string | undefined): Promise<Input> {
  const input = await chosen(file);
  const lines = input.lines[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) throw new Error(`${input.name}: there are none`);
  return { name: input.name, lines: resumed(first.value, lines) };
}

async function chosen(file: string | undefined): Promise<Input> {
  if (file !== undefined && file !== '-') {
    const handle = await open(file).catch((error: unknown) => {
      throw new Error(`cannot read ${file}: ${reasonOf(error)}`);
    });
    return { name: `the lines of ${file}`, lines: linesOf(handle.createReadStream(), file) };
  }
  const standard: Input = { name: 'the lines of standard input', lines: linesOf(process.stdin, 'standard input') };
  if (file === '-' || redirected()) return standard;
  if (piped()) {
    if (await speaks(process.stdin)) return standard;
    // a program that runs this one often leaves a pipe there that nobody writes to
    console.error(
      'nothing came on standard input (give - to wait for it), so the packages in package-lock.json are taken',
    );
    process.stdin.destroy();
  }
  return { name: 'the packages in package-lock.json', lines: packages() };
}

/** The lines of a stream that hold something. Bytes that are not UTF-8 are replaced, as editors do. */
export async function* linesOf(stream: NodeJS.ReadableStream, name: string): AsyncGenerator<string> {
  let rest = '';
  stream.setEncoding('utf8');
  try {
    for await (const chunk of stream) {
      const lines = (rest + String(chunk)).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') yield line;
    }
  } catch (error) {
    throw new Error(`cannot read ${name}: ${reasonOf(error)}`, { cause: error });
  }
  if (rest.trim() !== '') yield rest.replace(/\r$/, '');
}

async function* resumed(first: string, rest: AsyncIterator<string>): AsyncGenerator<string> {
  yield first;
  yield* { [Symbol.asyncIterator]: () => rest };
}

/** The dependency list: `name version` of each. */
async function* packages(): AsyncGenerator<string> {
  const lock = fileURLToPath(new URL('../package-lock.json', import.meta.url));
  const { packages: entries } = JSON.parse(await readFile(lock, 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  for (const [path, { version }] of Object.entries(entries)) {
    const name = path.split('node_modules/').pop();
    if (name) yield `${name} ${version}`;
  }
}

/** Whether standard input is a file, as after `<`. */
function redirected(): boolean {
  return standardInput()?.isFile() === true;
}

function piped(): boolean {
  const stats = standardInput();
  return stats?.isFIFO() === true || stats?.isSocket() === true;
}

function standardInput(): ReturnType<typeof fstatSync> | undefined {
  try {
    return fstatSync(0);
  } catch {
    return undefined; // it is closed
  }
}

/** Whether anything comes on a stream within a second. */
async function speaks(stream: NodeJS.ReadStream): Promise<boolean> {
  const signal = AbortSignal.timeout(1_000);
  await Promise.race([once(stream, 'readable', { signal }), once(stream, 'end', { signal })]).catch(() => undefined);
  return stream.readableLength > 0;
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES') return 'it is not permitted';
  return message;
}

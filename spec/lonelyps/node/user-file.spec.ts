import { appendFile, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { ClosedError, InvalidOptionError, PublishError } from '../../../lib/core/errors.js';
import type { Body } from '../../../lib/lonelyps/body.js';
import { nodePlatform } from '../../../lib/lonelyps/node/platform.js';
import { refusal } from '../../support/refusal.js';

describe('lonelyps/node: files to send', () => {
  let directory: string;
  let file: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rx-weir-file-'));
    file = join(directory, 'a.bin');
  });

  afterEach(() => rm(directory, { recursive: true }));

  const bodyOf = (spoolSize: number, signal?: AbortSignal): Promise<Body> =>
    nodePlatform.toBody("publish('a')", { file }, spoolSize, signal);

  it('reads a small one into memory', async () => {
    await writeFile(file, 'hello');
    const body = await bodyOf(5);
    await appendFile(file, ' world');
    expect(Buffer.from(await body.load()).toString()).to.equal('hello');
    expect(body.bytes).to.have.length(5);
    expect(body.sha512).to.deep.equal(nodePlatform.hashing.sha512(Buffer.from('hello')));
  });

  it('leaves a large one where it is, and reads it anew each time', async () => {
    const bytes = Buffer.alloc(300_000, 'abcdefg');
    await writeFile(file, bytes);
    const body = await bodyOf(1_000);
    expect(body.bytes).to.equal(undefined);
    expect(body.length).to.equal(bytes.length);
    expect(body.sha512).to.deep.equal(nodePlatform.hashing.sha512(bytes));
    expect(Buffer.compare(await body.load(), bytes)).to.equal(0);
    expect(Buffer.compare(await body.load(), bytes)).to.equal(0);
    body.discard();
  });

  const changes: Readonly<Record<string, () => Promise<void>>> = {
    'has grown': () => appendFile(file, 'x'),
    'has shrunk': () => writeFile(file, Buffer.alloc(10)),
    'has other bytes of the same number': async () => {
      await writeFile(file, Buffer.alloc(300_000, 'b'));
      await utimes(file, 0, 0);
    },
    'is gone': () => rm(file),
  };
  for (const [title, change] of Object.entries(changes)) {
    it(`never gives the last bytes of one that ${title}`, async () => {
      await writeFile(file, Buffer.alloc(300_000, 'a'));
      const body = await bodyOf(1_000);
      await change();
      let given = 0;
      let failure: unknown;
      try {
        for await (const part of body.read()) given += part.length;
      } catch (error) {
        failure = error;
      }
      expect(failure).to.be.instanceOf(PublishError);
      expect((failure as Error).message).to.include(file);
      expect(given).to.be.lessThan(300_000);
    });
  }

  it('says which file cannot be read, and why', async () => {
    const missing = await refusal(bodyOf(10));
    expect(missing).to.be.instanceOf(InvalidOptionError);
    expect(missing.message).to.include(file).and.to.include('ENOENT').and.to.include("publish('a')");
    file = directory;
    expect((await refusal(bodyOf(10))).message).to.include('not a file');
  });

  it('says what a path is', async () => {
    const sent = (given: unknown): Promise<Body> => nodePlatform.toBody("publish('a')", { file: given }, 10, undefined);
    for (const [given, got] of [
      [pathToFileURL(file), 'an object of class URL'],
      ['', 'an empty string'],
      [undefined, 'undefined'],
    ] as const) {
      const refused = await refusal(sent(given));
      expect(refused).to.be.instanceOf(InvalidOptionError);
      expect(refused.message).to.match(/^publish\('a'\): file must be .* a path \(fileURLToPath/);
      expect(refused.message).to.include(`got ${got}`);
    }
  });

  it('gives up when its signal aborts', async () => {
    await writeFile(file, Buffer.alloc(300_000, 'a'));
    expect(await refusal(bodyOf(10, AbortSignal.abort()))).to.be.instanceOf(ClosedError);
    expect(await refusal(bodyOf(1_000_000, AbortSignal.abort()))).to.be.instanceOf(ClosedError);
  });
});

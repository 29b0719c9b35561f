import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { ClosedError, OverflowError } from '../../../lib/core/errors.js';
import type { Body } from '../../../lib/lonelyps/body.js';
import { startSpool } from '../../../lib/lonelyps/node/spool.js';
import { refusal } from '../../support/refusal.js';
import { until } from '../../support/wait.js';

describe('lonelyps/node: bodies as they come', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rx-weir-spool-'));
  });

  afterEach(async () => {
    expect(await readdir(directory), 'files with a name').to.deep.equal([]);
    await until(async () => (await openFiles()).length === 0, { message: 'the files to be closed' });
    await rm(directory, { recursive: true });
  });

  /** The files of the spool that this process has open: they have no name, but Linux says where they were. */
  async function openFiles(): Promise<string[]> {
    const links = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    );
    return links.filter((link) => link.startsWith(directory));
  }

  it('keeps what is small in memory, and one part as it came', async () => {
    const writer = startSpool(10, directory);
    const part = bytes(10);
    expect(writer.write(part)).to.equal(undefined);
    const body = await writer.end();
    expect(body.bytes).to.equal(part);
    expect(Buffer.from(body.sha512)).to.deep.equal(sha512(part));
    expect(await openFiles()).to.deep.equal([]);
  });

  it('makes a body of nothing', async () => {
    const body = await startSpool(10, directory).end();
    expect(body.length).to.equal(0);
    expect(await body.load()).to.deep.equal(Buffer.alloc(0));
    expect(Buffer.from(body.sha512)).to.deep.equal(sha512(new Uint8Array(0)));
  });

  it('moves to a file without a name with the first byte too many, and can be read again and again', async () => {
    const writer = startSpool(100_000, directory);
    const sent = bytes(400_000);
    for (let at = 0; at < sent.length; at += 30_000) await writer.write(sent.subarray(at, at + 30_000));
    const body = await writer.end();
    expect(body.bytes).to.equal(undefined);
    expect(body.length).to.equal(400_000);
    expect(Buffer.from(body.sha512)).to.deep.equal(sha512(sent));
    expect(await openFiles()).to.have.length(1);

    expect(Buffer.compare(await readAll(body), sent)).to.equal(0);
    const [again, loaded] = await Promise.all([readAll(body), body.load()]);
    expect(Buffer.compare(again, sent)).to.equal(0);
    expect(Buffer.compare(loaded, sent)).to.equal(0);
    body.discard();
    body.discard();
    expect(await refusal(body.load())).to.be.instanceOf(ClosedError);
  });

  it('gives the same bytes and hash however they were cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 5_000 }), { maxLength: 40 }),
        fc.integer({ min: 0, max: 60_000 }),
        async (parts, spoolSize) => {
          const all = Buffer.concat(parts);
          const writer = startSpool(spoolSize, directory);
          for (const part of parts) await writer.write(part);
          expect(writer.length).to.equal(all.length);
          const body = await writer.end();
          expect(body.bytes === undefined).to.equal(all.length > spoolSize);
          expect(Buffer.compare(await body.load(), all)).to.equal(0);
          expect(Buffer.compare(await readAll(body), all)).to.equal(0);
          expect(Buffer.compare(body.sha512, sha512(all))).to.equal(0);
          body.discard();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes parts without waiting for the disk, in order', async () => {
    const writer = startSpool(0, directory);
    const sent = bytes(300_000);
    const waits: (Promise<void> | undefined)[] = [];
    for (let at = 0; at < sent.length; at += 1_000) waits.push(writer.write(sent.subarray(at, at + 1_000)));
    const body = await writer.end();
    for (const wait of waits) await wait;
    expect(Buffer.compare(await body.load(), sent)).to.equal(0);
    body.discard();
  });

  it('closes its file only when nobody reads or writes it any more', async () => {
    const writer = startSpool(0, directory);
    const written = writer.write(bytes(1_000_000));
    writer.discard();
    await written;

    const second = startSpool(0, directory);
    await second.write(bytes(1_000_000));
    const body = await second.end();
    const reading = body.read()[Symbol.asyncIterator]();
    await reading.next();
    const next = reading.next();
    body.discard();
    expect(await refusal(next)).to.be.instanceOf(ClosedError);
  });

  it('takes nothing after its end', async () => {
    const writer = startSpool(10, directory);
    await writer.end();
    expect(await refusal(Promise.resolve(writer.write(bytes(1))))).to.be.instanceOf(ClosedError);
    expect(await refusal(writer.end())).to.be.instanceOf(ClosedError);
    writer.discard();
  });

  it('says where there is no room', async () => {
    const writer = startSpool(10, join(directory, 'missing'));
    const error = await refusal(Promise.resolve(writer.write(bytes(11))));
    expect(error).to.be.instanceOf(OverflowError);
    expect(error.message).to.include('ENOENT').and.to.include('spoolSize');
    expect(await refusal(writer.end())).to.equal(error);
  });
});

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) & 0xff);
}

function sha512(of: Uint8Array): Buffer {
  return createHash('sha512').update(of).digest();
}

async function readAll(body: Body): Promise<Buffer> {
  const parts = [];
  for await (const part of body.read()) parts.push(part);
  return Buffer.concat(parts);
}

import { createHash, createHmac, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { UnsupportedError } from '../../../lib/core/errors.js';
import { browserPlatform } from '../../../lib/lonelyps/browser/platform.js';

describe('lonelyps in a page: platform', () => {
  it('hashes as Node does', async () => {
    const platform = browserPlatform();
    await platform.load('websocket');
    const { hashing } = platform;
    for (const length of [0, 1, 111, 112, 128, 10_000]) {
      const bytes = randomBytes(length);
      const of = (name: string): string => createHash(name).update(bytes).digest('hex');
      const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');
      expect(hex(hashing.sha512(bytes))).to.equal(of('sha512'));
      expect(hex(hashing.sha256(bytes))).to.equal(of('sha256'));
      const key = randomBytes(64);
      expect(hex(hashing.hmacSha512(key, bytes))).to.equal(createHmac('sha512', key).update(bytes).digest('hex'));
      const parts = hashing.startSha512();
      parts.update(bytes.subarray(0, length >> 1));
      parts.update(bytes.subarray(length >> 1));
      expect(hex(parts.digest())).to.equal(of('sha512'));
    }
  });

  it('has no HTTP, and says why', async () => {
    const platform = browserPlatform();
    expect(platform.http).to.equal(undefined);
    const error: unknown = await platform.load('http').catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(UnsupportedError).with.property('message').that.includes('ws://');
  });

  it('keeps bodies in memory', async () => {
    const platform = browserPlatform();
    await platform.load('websocket');
    const writer = platform.startBody(1);
    const parts = [randomBytes(10), new Uint8Array(), randomBytes(20)];
    for (const part of parts) expect(writer.write(part)).to.equal(undefined);
    expect(writer.length).to.equal(30);
    const body = await writer.end();
    const all = Buffer.concat(parts);
    expect(Buffer.compare(body.bytes!, all)).to.equal(0);
    expect(Buffer.compare(body.sha512, createHash('sha512').update(all).digest())).to.equal(0);
    expect(await writer.end().catch(() => 'over')).to.equal('over');
    const none = await platform.startBody(1).end();
    expect(none.length).to.equal(0);
    const dropped = platform.startBody(1);
    dropped.discard();
    expect(await dropped.write(parts[0]!)?.catch(() => 'over')).to.equal('over');
  });

  it('reads a Blob that is to be published', async () => {
    const platform = browserPlatform();
    await platform.load('websocket');
    const body = await platform.toBody('publish()', new Blob(['from a page']), 1, undefined);
    expect(Buffer.from(await body.load()).toString()).to.equal('from a page');
  });

  it('gives random bytes', () => {
    const { random } = browserPlatform();
    expect(random(32)).to.have.length(32);
    expect(random(32)).not.to.deep.equal(random(32));
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { checkOptions } from '../../../lib/core/check.js';
import { InvalidOptionError } from '../../../lib/core/errors.js';
import { authShape } from '../../../lib/lonelyps/auth/auth-options.js';
import { authFromFile } from '../../../lib/lonelyps/node/secrets-file.js';
import { everythingOf, refuses } from '../../support/refusals.js';

describe('lonelyps/node: authFromFile', () => {
  const secret = Buffer.from(Array.from({ length: 64 }, (_, at) => at)).toString('base64url');
  let directory: string;
  let file: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rx-weir-secrets-'));
    file = join(directory, 'subscriber-secrets.json');
  });

  afterEach(() => rm(directory, { recursive: true }));

  const write = (content: unknown): Promise<void> => writeFile(file, JSON.stringify(content));

  it('reads both directions, and shows neither', async () => {
    await write({
      version: '2',
      'to-broadcaster': { type: 'hmac', secret },
      'to-subscriber': { type: 'token', secret: 'ts-token' },
    });
    const auth = await authFromFile(file);
    checkOptions('lonelyps()', auth, authShape);
    const { toBroadcaster, toSubscriber } = auth;
    expect([toBroadcaster?.type, toSubscriber?.type]).to.deep.equal(['hmac', 'token']);
    if (toBroadcaster?.type === 'hmac')
      expect(Buffer.from(toBroadcaster.secret).toString('base64url')).to.equal(secret);
    if (toSubscriber?.type === 'token') expect(toSubscriber.token).to.equal('ts-token');
    expect(everythingOf(auth))
      .to.not.include('ts-token')
      .and.to.not.match(/0x?3f|, 63/);
  });

  it('takes a side that is left out for none, and a URL for the path', async () => {
    await write({ version: '2' });
    expect(await authFromFile(pathToFileURL(file))).to.deep.equal({
      toBroadcaster: { type: 'none' },
      toSubscriber: { type: 'none' },
    });
  });

  it('says which file is not there', async () => {
    await refuses(() => authFromFile(file), InvalidOptionError, [file, 'ENOENT']);
    await refuses(() => authFromFile(directory), InvalidOptionError, [directory, 'EISDIR']);
  });

  it('says what is wrong in which file, and nothing of what is in it', async () => {
    const cases: Readonly<Record<string, string>> = {
      'no JSON': `{"secret":"${secret}`,
      'its version': JSON.stringify({ version: '1', 'to-broadcaster': { type: 'token', secret } }),
      'neither "token" nor "hmac"': JSON.stringify({ version: '2', 'to-broadcaster': { type: secret, secret } }),
      '64 bytes': JSON.stringify({ version: '2', 'to-subscriber': { type: 'hmac', secret: secret.slice(1) } }),
    };
    for (const [words, content] of Object.entries(cases)) {
      await writeFile(file, content);
      await refuses(() => authFromFile(file), InvalidOptionError, [file, words], [secret, secret.slice(1)]);
    }
  });

  it('reads no file that is far too large', async () => {
    await writeFile(file, Buffer.alloc(100_000, ' '));
    await refuses(() => authFromFile(file), InvalidOptionError, [file, '65536 bytes']);
  });
});

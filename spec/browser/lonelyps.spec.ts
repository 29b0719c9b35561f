import { expect } from 'chai';
import { build } from 'esbuild';
import { readFile } from 'node:fs/promises';
import { builtinModules, createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import type { LonelypsOptions } from '../../lib/lonelyps/index.js';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { counted, PythonLonelypsc, sha512 } from '../support/peers/python-lonelypsc.js';
import { until } from '../support/wait.js';
import { startChromium } from './chromium.js';
import type { PageReport, PageStep } from './lonelyps-page.js';
import { openSite, type Site } from './site.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('lonelyps in Chromium', function () {
  this.timeout(60_000);
  let server: LonelypssServer;
  let peer: PythonLonelypsc;
  let browser: Browser;
  let site: Site;
  /** Bytes that came over the page's websockets. */
  let received: number;

  before(async () => {
    const zstd = createRequire(import.meta.url).resolve('@bokuweb/zstd-wasm');
    [server, browser] = await Promise.all([startLonelypss({ needs: 'control', auth: 'hmac' }), startChromium()]);
    peer = await PythonLonelypsc.start(server, { transport: 'http' });
    site = await openSite(browser, {
      script: 'lonelyps-page.ts',
      files: { '/zstd.wasm': await readFile(join(dirname(zstd), 'zstd.wasm')) },
      // what a page says of its own accord when a broadcaster is away
      expected: (complaint) => complaint.includes('ERR_CONNECTION_REFUSED'),
    });
    site.page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => (received += payload.length));
    });
  });

  beforeEach(() => {
    received = 0;
  });

  afterEach(async () => {
    const { states } = await run({ do: 'close' });
    expect(states.at(-1)).to.equal('closed');
    expect(site.complaints).to.deep.equal([]);
  });

  after(async () => {
    await site?.stop();
    await browser?.close();
    await peer?.stop();
    await server?.stop();
  });

  function run(step: PageStep): Promise<PageReport> {
    return site.page.evaluate<PageReport>(`run(${JSON.stringify(step)})`);
  }

  /** Opens a handle in the page. Resolves when what is published gets there. */
  async function open(topic: string, options: Partial<LonelypsOptions> = {}): Promise<void> {
    const { socketUrl, auth } = server;
    const reconnect = { initialDelay: 50, maxDelay: 500 };
    const all = { broadcasters: socketUrl, auth, reconnect, ...options };
    await run({ do: 'open', options: all, exact: topic, glob: `${topic}/*` });
    await there(topic);
  }

  async function there(topic: string): Promise<void> {
    await until(async () => (await peer.notify(topic, 'there')).notified === 1, { timeout: 20_000, every: 50 });
  }

  async function lengths(count: number): Promise<number[]> {
    let lengths: number[] = [];
    await until(
      async () => {
        const { messages } = await run({ do: 'tell' });
        lengths = messages.map(({ length }) => length).filter((length) => length !== 'there'.length);
        return lengths.length >= count;
      },
      { message: () => `${count} messages; there are ${lengths.join(', ')}` },
    );
    return lengths;
  }

  it('hears lonelypsc by topics and globs, and is heard by it', async () => {
    const topic = unique('page');
    await open(topic);
    const subscription = await peer.subscribe({ exact: [`${topic}/back`] });
    const values = Array.from({ length: 30 }, (_, n) => `from Python: ${n} ✓`);
    for (const value of values) await peer.notify(`${topic}${value.length % 2 ? '/a' : ''}`, value);
    const large = await peer.notify(topic, 1_000_000);
    await lengths(values.length + 1);
    const { messages } = await run({ do: 'tell' });
    const heard = messages.filter(({ length }) => length !== 'there'.length).map((message) => message.sha512);
    expect(heard).to.deep.equal([...values.map((value) => sha512(utf8(value))), large.sha512]);
    expect(new Set(messages.map((message) => message.topic))).to.deep.equal(new Set([topic, `${topic}/a`]));
    const { notified, states, missed } = await run({ do: 'publish', topic: `${topic}/back`, text: 'from a page: ✓' });
    expect(await subscription.texts(1)).to.deep.equal(['from a page: ✓']);
    // the page has it too
    expect(notified).to.deep.equal([2]);
    expect([states, missed]).to.deep.equal([['idle', 'connecting', 'connected'], []]);
    await subscription.stop();
  });

  for (const compression of [undefined, true] as const) {
    it(`takes messages ${compression ? 'compressed' : 'as they are'}`, async () => {
      const topic = unique('page');
      await open(topic, compression && { compression });
      const value = counted(50_000);
      received = 0;
      for (let n = 1; n <= 3; n++) await peer.notify(topic, value);
      expect(await lengths(3)).to.deep.equal([50_000, 50_000, 50_000]);
      const { messages } = await run({ do: 'tell' });
      for (const message of messages.slice(-3)) expect(message.sha512).to.equal(sha512(value));
      if (compression) expect(received).to.be.below(75_000);
      else expect(received).to.be.above(150_000);
    });
  }

  it('is subscribed again when a broadcaster was restarted, and told that messages may be lost', async () => {
    const topic = unique('page');
    await open(topic);
    await server.kill();
    await until(async () => (await run({ do: 'tell' })).states.at(-1) === 'reconnecting');
    await server.restart();
    await there(topic);
    await peer.notify(`${topic}/again`, 'once more');
    expect(await lengths(1)).to.deep.equal(['once more'.length]);
    const { states, missed } = await run({ do: 'tell' });
    expect(states).to.deep.equal(['idle', 'connecting', 'connected', 'reconnecting', 'connected']);
    expect([...missed].sort()).to.deep.equal([topic, `${topic}/*`]);
  });
});

describe('lonelyps, bundled for browsers', () => {
  it('reaches no module of Node', async () => {
    const entry = fileURLToPath(new URL('../../lib/lonelyps/browser.ts', import.meta.url));
    const { outputFiles, metafile } = await build({
      entryPoints: [entry],
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      external: ['rxjs', '@noble/hashes', '@bokuweb/zstd-wasm'],
      write: false,
      metafile: true,
    });
    const { contents } = outputFiles[0]!;
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
    expect(imports.filter((path) => path.startsWith('node:') || builtinModules.includes(path))).to.deep.equal([]);
    expect(
      new Set(
        imports.map((path) =>
          path
            .split('/')
            .slice(0, path.startsWith('@') ? 2 : 1)
            .join('/'),
        ),
      ),
    ).to.deep.equal(new Set(['rxjs', '@noble/hashes', '@bokuweb/zstd-wasm']));
    const gzipped = gzipSync(contents, { level: 9 }).length;
    console.log(`      rx-weir/lonelyps in a browser: ${gzipped} bytes gzipped (${contents.length}), without peers`);
  });
});

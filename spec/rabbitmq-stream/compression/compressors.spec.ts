import { expect } from 'chai';
import { UnsupportedError } from '../../../lib/core/errors.js';
import { compressor, loadCompressor } from '../../../lib/rabbitmq-stream/compression/compressors.js';
import type { Compression } from '../../../lib/rabbitmq-stream/compression/compressor.js';
import type { CompressionPackages } from '../../../lib/rabbitmq-stream/compression/packages.js';
import { makeCompressors } from '../../../lib/rabbitmq-stream/compression/registry.js';

const names: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

function notFound(name: string): Error {
  return Object.assign(new Error(`Cannot find package '${name}' imported from x.js\nRequire stack:`), {
    code: 'ERR_MODULE_NOT_FOUND',
  });
}

/** Packages of which none is there, unless given. */
function packages(given: Partial<CompressionPackages> = {}): CompressionPackages {
  return {
    snappy: () => Promise.reject(notFound('snappy')),
    zstd: () => Promise.reject(notFound('@bokuweb/zstd-wasm')),
    ...given,
  };
}

async function unsupported(loading: Promise<unknown>): Promise<UnsupportedError> {
  const error = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(UnsupportedError);
  const refused = error as UnsupportedError;
  expect(refused.broker).to.equal('rabbitmq-stream');
  expect(refused.message).to.not.include('\n');
  return refused;
}

describe('rabbitmq-stream/compression/compressors', () => {
  it('has none, gzip and lz4 ready at once', () => {
    expect([0, 1, 3].map((code) => compressor(code)?.name)).to.deep.equal(['none', 'gzip', 'lz4']);
    const bare = makeCompressors(packages(), {});
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((code) => bare.ready(code)?.code)).to.deep.equal([
      0,
      1,
      undefined,
      3,
      ...Array<undefined>(4).fill(undefined),
    ]);
  });

  it('loads every compression by its code and its name, and then has it ready', async () => {
    for (const [code, name] of names.entries()) {
      const loaded = await loadCompressor(code);
      expect(loaded.name).to.equal(name);
      expect(loaded.code).to.equal(code);
      expect(await loadCompressor(name)).to.equal(loaded);
      expect(compressor(code)).to.equal(loaded);
    }
  });

  it('imports a package once, however many ask at the same time', async () => {
    let imports = 0;
    const { load } = makeCompressors(
      packages({
        snappy: () => {
          imports++;
          return import('snappy');
        },
      }),
      {},
    );
    const [first, second] = await Promise.all([load(2), load('snappy')]);
    expect(first).to.equal(second);
    expect(await load(2)).to.equal(first);
    expect(imports).to.equal(1);
  });

  it('imports nothing where Node has zstd itself', async () => {
    const zlib = { zstdCompressSync: () => new Uint8Array(), zstdDecompressSync: () => new Uint8Array() };
    const { load, ready } = makeCompressors(packages(), zlib);
    expect(await load('zstd')).to.equal(ready(4));
    expect(ready(4)?.code).to.equal(4);
  });

  it('says in one line which package to install', async () => {
    const { load, ready } = makeCompressors(packages(), {});
    const snappy = await unsupported(load('snappy'));
    expect(snappy.message).to.equal(
      'compression snappy needs the package snappy, which is not installed: npm install snappy',
    );
    expect(snappy.detail).to.deep.equal({ compression: 'snappy', package: 'snappy' });
    expect(snappy.cause).to.be.instanceOf(Error);
    expect((await unsupported(load(4))).message).to.equal(
      'compression zstd needs the package @bokuweb/zstd-wasm, which is not installed: npm install @bokuweb/zstd-wasm',
    );
    expect(ready(2)).to.equal(undefined);
    expect(ready(4)).to.equal(undefined);
  });

  it('tries again after a failure', async () => {
    let installed = false;
    const snappy = () => (installed ? import('snappy') : Promise.reject(notFound('snappy')));
    const { load } = makeCompressors(packages({ snappy }), {});
    await unsupported(load(2));
    installed = true;
    expect((await load(2)).name).to.equal('snappy');
  });

  it('tells a package that is there and does not load from one that is missing', async () => {
    const native = Object.assign(new Error("Cannot find module '@napi-rs/snappy-linux-x64-gnu'\nRequire stack:\n- x"), {
      code: 'MODULE_NOT_FOUND',
    });
    const { load } = makeCompressors(packages({ snappy: () => Promise.reject(native) }), {});
    expect((await unsupported(load(2))).message).to.equal(
      "compression snappy needs the package snappy, which cannot be loaded (Cannot find module '@napi-rs/snappy-linux-x64-gnu'): npm install snappy",
    );
  });

  it('takes a package behind its default export, and refuses one without the functions', async () => {
    const real = (await import('snappy')) as { default?: unknown };
    const behind = makeCompressors(packages({ snappy: () => Promise.resolve({ default: real.default ?? real }) }), {});
    expect((await behind.load(2)).name).to.equal('snappy');
    for (const wrong of [{}, { default: null }, null, { compressSync: () => undefined }]) {
      const { load } = makeCompressors(packages({ snappy: () => Promise.resolve(wrong) }), {});
      expect((await unsupported(load(2))).message).to.include('has no compressSync or no uncompressSync');
    }
  });

  it('tells a package that does not start', async () => {
    const wasm = { init: () => Promise.reject(new Error('no zstd.wasm')), compress() {}, decompress() {} };
    const { load, ready } = makeCompressors(packages({ zstd: () => Promise.resolve(wasm) }), {});
    expect((await unsupported(load(4))).message).to.include('which cannot be started (no zstd.wasm)');
    expect(ready(4)).to.equal(undefined);
  });

  it('leaves a package alone that somebody has started, and refuses one that does not work', async () => {
    const real = (await import('@bokuweb/zstd-wasm')) as unknown as Record<string, unknown>;
    let starts = 0;
    const start = () => Promise.resolve(void starts++);
    // asked of the package itself, because this Node may have zstd and then nobody has started it yet
    const first = makeCompressors(packages({ zstd: () => Promise.resolve({ ...real }) }), {});
    await first.load('zstd');
    const second = makeCompressors(packages({ zstd: () => Promise.resolve({ ...real, init: start }) }), {});
    expect((await second.load('zstd')).name).to.equal('zstd');
    expect(starts).to.equal(0);

    const broken = { init: start, compress: () => new Uint8Array(), decompress: () => new Uint8Array() };
    const { load } = makeCompressors(packages({ zstd: () => Promise.resolve(broken) }), {});
    expect((await unsupported(load(4))).message).to.include('cannot be started (it does not give back');
    expect(starts).to.equal(1);
  });

  it('knows no other codes and names', async () => {
    for (const code of [5, 6, 7, 8, -1, 1.5, NaN, 'brotli' as Compression]) {
      const error = await unsupported(loadCompressor(code));
      expect(error.message).to.equal(
        `compression ${String(code)} of a sub-entry is not one that the protocol assigns; known are 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd`,
      );
      if (typeof code === 'number') expect(compressor(code)).to.equal(undefined);
    }
  });
});

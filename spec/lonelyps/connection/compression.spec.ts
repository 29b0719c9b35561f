import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { ProtocolError } from '../../../lib/core/errors.js';
import { nodePlatform } from '../../../lib/lonelyps/node/platform.js';
import type { Zstd } from '../../../lib/lonelyps/platform.js';
import { until } from '../../support/wait.js';
import { hmacAuth, noAuth, sha512, text, World, zstdOn, type WorldOptions } from './connection-kit.js';

const none = new Uint8Array();
const preset = {
  kind: 'enablePreset',
  level: 3,
  minSize: 1_000,
  maxSize: 2n ** 64n - 1n,
  sha512: none,
  dictionary: none,
} as const;
const first = 65_536;

const bytes = Buffer.from('ABCDEFG'.repeat(1_000));
const dictionary = Buffer.from('a text that all messages have in common, more or less; '.repeat(4));
const likely = Buffer.concat([dictionary, Buffer.from('and something else')]);

/** Has a dictionary sent, as one that was trained. */
function train(world: World, id: number, its = dictionary): void {
  const limits = { level: 10, minSize: 10, maxSize: 16_384n };
  world.server.send({ kind: 'enableCustom', id, ...limits, sha512: sha512(its), dictionary: its });
}

/** What the last notification was compressed with; its hash is checked on the way. */
async function compressorOf(world: World, body: Uint8Array): Promise<number> {
  world.server.confirmedAs = { topic: text('t'), sha512: sha512(body) };
  expect(await world.notify('t', body)).to.deep.equal(['confirmed', 1]);
  const message = world.server.got.at(-1)!;
  if (message.kind !== 'notify') throw new Error(message.kind);
  expect(message.head.compressedLength).to.equal(message.bytes.length);
  expect(message.head.length).to.equal(body.length);
  return message.head.compressor;
}

describe('lonelyps connection: compression', () => {
  let zstd: Zstd;
  before(async () => {
    zstd = (await nodePlatform.loadZstd())!;
  });

  const open = (options: WorldOptions = {}): Promise<World> =>
    World.open({ auth: hmacAuth, compression: zstdOn, ...options });

  it('compresses what a compressor is meant for, and what gets smaller', async () => {
    const world = await open();
    expect(await compressorOf(world, bytes)).to.equal(0);
    world.server.send({ ...preset, id: 1, maxSize: 8_000n });
    expect(await compressorOf(world, bytes)).to.equal(1);
    expect(await compressorOf(world, bytes.subarray(0, 999))).to.equal(0);
    expect(await compressorOf(world, bytes.subarray(0, 1_000))).to.equal(1);
    expect(await compressorOf(world, Buffer.alloc(7_999))).to.equal(1);
    expect(await compressorOf(world, Buffer.alloc(8_000))).to.equal(0);
    expect(await compressorOf(world, randomBytes(5_000))).to.equal(0);
    expect(world.server.refused).to.be.empty;
    await world.connection.close(1_000);
  });

  it('sends in parts what does not fit though it is compressed', async () => {
    const world = await open({ maxFrameBytes: 12_000 });
    world.server.send({ ...preset, id: 1 });
    const body = Buffer.concat([randomBytes(11_690), Buffer.alloc(310)]);
    // the hash that is confirmed is of the bytes as they are sent
    expect(await world.notify('t', body)).to.deep.equal(['confirmed', 1]);
    expect(world.server.kinds().slice(1)).to.deep.equal(['notifyStream', 'notifyStream']);
    expect(world.server.got[1]).to.have.nested.property('head.compressor', 1);
    expect(world.server.refused).to.be.empty;
    await world.connection.close(1_000);
  });

  it('reads what is compressed, in one part or many, in memory or past it', async () => {
    for (const spoolSize of [100, 100_000]) {
      const world = await open({ spoolSize });
      world.server.send({ ...preset, id: 1 });
      const frame = zstd.compress(bytes, 3, undefined);
      world.server.deliver('t', frame, Infinity, { compressor: 1, length: bytes.length });
      world.server.deliver('t', frame, 10, { compressor: 1, length: bytes.length });
      await until(() => world.arrivals.length === 2);
      for (const { body } of world.arrivals) {
        expect(Buffer.compare(await body.load(), bytes)).to.equal(0);
        expect(Buffer.compare(body.sha512, sha512(bytes))).to.equal(0);
        body.discard();
      }
      await world.connection.close(1_000);
    }
  });

  it('reads a frame of the real broadcaster', async () => {
    const world = await open({ auth: noAuth });
    world.server.raw(Buffer.from('0001000900010100020003000240000008ffffffffffffffff00000000', 'hex'));
    world.server.raw(
      Buffer.from(
        '0001000800000000000444911cf30001000007666f6f2f62617200010100011800024e200040b9fd92a7703211d25303982292f640cf36f5b5fc9adcf2c5a4742824d90dda897d1e0bcf03272c480a566a267fc3d0186259299be485265fa8a698f5903df8e028b52ffd00287d000038414243444546470100168ef66204',
        'hex',
      ),
    );
    expect(world.arrivals).to.have.length(1);
    expect(Buffer.from(await world.arrivals[0]!.body.load()).toString()).to.equal(
      'ABCDEFG'.repeat(2_858).slice(0, 20_000),
    );
    await world.connection.close(1_000);
  });

  it('uses a dictionary that both sides have', async () => {
    const world = await open({ compression: { ...zstdOn, dictionaries: new Map([[7, dictionary]]), initial: 7 } });
    world.server.send({ ...preset, id: 7, minSize: 10 });
    expect(await compressorOf(world, likely)).to.equal(7);
    world.server.deliver('t', zstd.compress(likely, 3, dictionary), Infinity, { compressor: 7, length: likely.length });
    expect(Buffer.compare(await world.arrivals[0]!.body.load(), likely)).to.equal(0);
    await world.connection.close(1_000);
  });

  it('goes on without a dictionary that it does not have', async () => {
    const world = await open();
    world.server.send({ ...preset, id: 8, minSize: 10 });
    expect(world.logged.join()).to.include('dictionary 8');
    expect(await compressorOf(world, likely)).to.equal(0);
    await world.connection.close(1_000);
  });

  it('takes trained dictionaries, the two newest of them', async () => {
    const world = await open();
    world.server.send({ ...preset, id: 1 });
    for (const id of [first, first + 1, first + 2]) train(world, id);
    expect(await compressorOf(world, likely)).to.equal(first + 2);
    expect(await compressorOf(world, Buffer.alloc(20_000))).to.equal(1);
    world.server.send({ kind: 'disableCustom', id: first + 2 });
    expect(await compressorOf(world, likely)).to.equal(first + 1);
    const frame = zstd.compress(likely, 3, dictionary);
    const said = { length: likely.length };
    world.server.deliver('t', frame, Infinity, { ...said, compressor: first + 1 });
    expect(world.arrivals).to.have.length(1);
    world.server.deliver('t', frame, Infinity, { ...said, compressor: first });
    expect(world.fault).to.be.instanceOf(ProtocolError).with.property('message').that.includes(String(first));
  });

  it('reads a message that was begun before its dictionary went', async () => {
    const world = await open();
    train(world, first);
    const frame = zstd.compress(likely, 3, dictionary);
    world.server.deliver('t', frame, Math.ceil(frame.length / 2), { length: likely.length, compressor: first });
    world.server.send({ kind: 'disableCustom', id: first });
    await until(() => world.arrivals.length === 1);
    expect(Buffer.compare(await world.arrivals[0]!.body.load(), likely)).to.equal(0);
    await world.connection.close(1_000);
  });

  it('takes a negative level where it is not signed', async () => {
    const world = await open({ auth: noAuth });
    world.server.send({ ...preset, id: 1, level: -3 });
    expect(await compressorOf(world, bytes)).to.equal(1);
    await world.connection.close(1_000);
  });

  it('sends uncompressed what zstd fails with', async () => {
    const broken: Zstd = {
      ...zstd,
      compress: () => {
        throw new Error('out of memory');
      },
    };
    const world = await open({ platform: { loadZstd: () => Promise.resolve(broken) } });
    world.server.send({ ...preset, id: 1 });
    expect(await compressorOf(world, bytes)).to.equal(0);
    expect(world.logged.join()).to.include('could not compress');
    await world.connection.close(1_000);
  });

  const wrongs: Record<string, (world: World) => void> = {
    'a frame with more bytes than announced': ({ server }) => {
      server.deliver('t', zstd.compress(bytes, 3, undefined), Infinity, { compressor: 1, length: bytes.length - 1 });
    },
    'a frame with fewer bytes than announced': ({ server }) => {
      server.deliver('t', zstd.compress(bytes, 3, undefined), Infinity, { compressor: 1, length: bytes.length + 1 });
    },
    'a bomb': ({ server }) => {
      server.deliver('t', zstd.compress(Buffer.alloc(50_000_000), 3, undefined), Infinity, {
        compressor: 1,
        length: 10,
      });
    },
    'bytes that are no frame': ({ server }) => {
      server.deliver('t', randomBytes(500), 100, { compressor: 1, length: 5_000 });
    },
    'a compressor that nobody enabled': ({ server }) => server.deliver('t', bytes, Infinity, { compressor: 99 }),
    'a preset with the number of a trained one': ({ server }) => server.send({ ...preset, id: first }),
    'a preset without a number': ({ server }) => server.send({ ...preset, id: 0 }),
    'a trained dictionary with the number of a preset': (world) => train(world, 5),
    'a dictionary with another hash': ({ server }) => {
      const limits = { level: 3, minSize: 10, maxSize: 100n };
      server.send({ kind: 'enableCustom', id: first, ...limits, sha512: new Uint8Array(64), dictionary });
    },
    'the end of a preset': ({ server }) => server.send({ kind: 'disableCustom', id: 1 }),
  };
  for (const [what, wrong] of Object.entries(wrongs)) {
    it(`drops a broadcaster that sends ${what}`, async () => {
      const world = await open();
      world.server.send({ ...preset, id: 1 });
      wrong(world);
      await until(() => world.losses.length > 0);
      expect(world.fault).to.be.instanceOf(ProtocolError);
      expect(world.arrivals).to.be.empty;
    });
  }

  it('drops a broadcaster that signs what cannot be signed, or enables what was not offered', async () => {
    const world = await open();
    world.server.send({ ...preset, id: 1, level: -1 }, { authorization: 'X-HMAC 1:a:b' });
    expect(world.fault).to.be.instanceOf(ProtocolError);
    const off = await World.open();
    off.server.send({ ...preset, id: 1 });
    expect(off.fault).to.be.instanceOf(ProtocolError).with.property('message').that.includes('not offered');
  });
});

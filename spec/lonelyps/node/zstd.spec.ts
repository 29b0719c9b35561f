import { expect } from 'chai';
import { loadNodeZstd, type ZlibWithZstd } from '../../../lib/lonelyps/node/zstd.js';
import type { Zstd } from '../../../lib/lonelyps/platform.js';
import { loadZstdPackage } from '../../../lib/lonelyps/zstd-package.js';

const text = Buffer.from('ABCDEFG'.repeat(2_858)).subarray(0, 20_000);

/** As the broadcaster writes it: no content size, no checksum. */
const captured = Buffer.from('28b52ffd00287d000038414243444546470100168ef66204', 'hex');

describe('lonelyps/node: zstd', () => {
  for (const [title, load] of [
    ['of this Node, or else the package', () => loadNodeZstd()],
    ['of the package', loadZstdPackage],
  ] as const) {
    describe(title, () => {
      let zstd: Zstd;

      before(async () => {
        zstd = (await load())!;
        expect(zstd).to.not.equal(undefined);
      });

      it('reads what the broadcaster writes', () => {
        expect(Buffer.compare(zstd.decompress(captured, 20_000, undefined), text)).to.equal(0);
      });

      it('gives back what it was given, at any level', () => {
        for (const level of [-5, 1, 3, 19]) {
          const frame = zstd.compress(text, level, undefined);
          expect(frame.length).to.be.lessThan(100);
          expect(Buffer.compare(zstd.decompress(frame, text.length, undefined), text)).to.equal(0);
        }
        const nothing = zstd.compress(new Uint8Array(0), 3, undefined);
        expect(zstd.decompress(nothing, 0, undefined)).to.have.length(0);
      });

      it('gives back what it was given, with a dictionary', () => {
        const dictionary = Buffer.from('{"id":1,"name":"somebody","address":{"street":"somewhere","number":12}}');
        const message = Buffer.from('{"id":2,"name":"somebody","address":{"street":"somewhere","number":34}}');
        const frame = zstd.compress(message, 10, dictionary);
        expect(frame.length).to.be.lessThan(zstd.compress(message, 10, undefined).length);
        expect(Buffer.from(zstd.decompress(frame, message.length, dictionary)).toString()).to.equal(message.toString());
        expect(() => zstd.decompress(frame, message.length, undefined)).to.throw();
      });

      it('refuses another length than was said', () => {
        const frame = zstd.compress(text, 3, undefined);
        for (const each of [captured, frame]) {
          expect(() => zstd.decompress(each, 19_999, undefined)).to.throw();
          expect(() => zstd.decompress(each, 20_001, undefined)).to.throw('instead of 20001');
          expect(() => zstd.decompress(each, 0, undefined)).to.throw();
        }
      });

      it('refuses a frame that states more than it may, before it takes memory for it', () => {
        // single segment, eight bytes of content size: 2^40
        const bomb = Buffer.from('28b52ffde0000000000001000000000000', 'hex');
        expect(() => zstd.decompress(bomb, 100, undefined)).to.throw('instead of 100');
      });

      it('refuses what is no frame', () => {
        expect(() => zstd.decompress(new Uint8Array(0), 1, undefined)).to.throw();
        expect(() => zstd.decompress(Buffer.from('no frame at all'), 1, undefined)).to.throw();
        expect(() => zstd.decompress(captured.subarray(0, 15), 20_000, undefined)).to.throw();
      });
    });
  }

  describe('where Node has it and the package may be missing', () => {
    /** Not zstd, but with the same surface: a header that states nothing, then the bytes. */
    function zlibWith(dictionaries: boolean): ZlibWithZstd {
      const header = Buffer.from('28b52ffd0000', 'hex');
      return {
        zstdCompressSync: (bytes, { dictionary }) =>
          dictionaries && dictionary !== undefined ? header : Buffer.concat([header, bytes]),
        zstdDecompressSync: (frame) => frame.subarray(header.length),
        constants: { ZSTD_c_compressionLevel: 100 },
      };
    }
    const missing = (): Promise<undefined> => Promise.resolve(undefined);
    const frame = Buffer.from('28b52ffd000061', 'hex');

    it('it is used alone where it takes dictionaries', async () => {
      const zstd = await loadNodeZstd(zlibWith(true), missing);
      expect(Buffer.from(zstd!.decompress(frame, 1, undefined)).toString()).to.equal('a');
    });

    it('the package does what has a dictionary where it does not', async () => {
      const zstd = await loadNodeZstd(zlibWith(false), loadZstdPackage);
      expect(Buffer.from(zstd!.decompress(frame, 1, undefined)).toString()).to.equal('a');
      const dictionary = Buffer.from('some dictionary or other');
      const compressed = zstd!.compress(dictionary, 3, dictionary);
      expect(compressed.length).to.be.lessThan(dictionary.length);
      expect(Buffer.from(zstd!.decompress(compressed, dictionary.length, dictionary)).equals(dictionary)).to.be.true;
    });

    it('nothing is offered where dictionaries would not work', async () => {
      expect(await loadNodeZstd(zlibWith(false), missing)).to.equal(undefined);
      expect(await loadNodeZstd({}, missing)).to.equal(undefined);
    });
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '../../../lib/core/errors.js';
import { FrameSplitter, type OnFrame } from '../../../lib/rabbitmq-stream/codec/frames.js';
import { Writer } from '../../../lib/rabbitmq-stream/codec/writer.js';
import { dirty, someBytes, toHex } from './bytes.js';

const mebibyte = 1 << 20;

/** A frame with so many bytes behind key and version. */
function frameOf(length: number, key = 8): Uint8Array {
  return new Writer(key, 1).raw(someBytes(length, key)).finish();
}

function join(frames: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(frames));
}

/** Pushes pieces, each in a buffer that is overwritten afterwards, as that of a socket is. */
function pushAll(splitter: FrameSplitter, pieces: readonly Uint8Array[]): void {
  for (const piece of pieces) {
    const buffer = new Uint8Array(piece.length + 10).fill(0xff);
    buffer.set(piece, 3);
    splitter.push(buffer, 3, 3 + piece.length);
    buffer.fill(0xdd);
  }
}

/** Cuts bytes into pieces of the given sizes, over and over. */
function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

interface Taken {
  readonly splitter: FrameSplitter;
  /** What was handed on, without sizes. */
  readonly frames: string[];
  readonly owned: boolean[];
  /** What was asked for. */
  readonly allocated: number[];
}

function taking(maxFrame = 1 << 27, onFrame?: OnFrame): Taken {
  const frames: string[] = [];
  const owned: boolean[] = [];
  const allocated: number[] = [];
  const allocate = (size: number): Uint8Array => {
    allocated.push(size);
    return dirty(size);
  };
  const splitter = new FrameSplitter({ maxFrame, allocate }, (bytes, start, end, own) => {
    frames.push(toHex(bytes.subarray(start, end)));
    owned.push(own);
    onFrame?.(bytes, start, end, own);
  });
  return { splitter, frames, owned, allocated };
}

const contentOf = (frame: Uint8Array): string => toHex(frame.subarray(4));

describe('rabbitmq-stream codec: FrameSplitter', () => {
  it('any chunking of the same bytes gives the same frames', () => {
    const lengths = fc.array(fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 400 })), { maxLength: 12 });
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 500 })), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(lengths, sizes, (all, pieces) => {
        const frames = all.map((length, i) => frameOf(length, i + 1));
        const { splitter, frames: taken } = taking();
        pushAll(splitter, cut(join(frames), pieces));
        expect(taken).to.deep.equal(frames.map(contentOf));
        expect(splitter.inside).to.equal(false);
      }),
      { numRuns: 300 },
    );
  });

  it('a byte at a time', () => {
    const frames = [frameOf(0), frameOf(1), frameOf(300), frameOf(0)];
    const { splitter, frames: taken, owned, allocated } = taking();
    pushAll(splitter, cut(join(frames), [1]));
    expect(taken).to.deep.equal(frames.map(contentOf));
    expect(owned).to.deep.equal([true, true, true, true]);
    expect(allocated).to.deep.equal([4, 5, 304, 4]);
  });

  it('a thousand frames in one read are handed on in place', () => {
    const frames = Array.from({ length: 1000 }, (_, i) => frameOf(i % 40, i));
    const { splitter, frames: taken, owned, allocated } = taking();
    pushAll(splitter, [join(frames)]);
    expect(taken).to.deep.equal(frames.map(contentOf));
    expect(owned.every((own) => !own)).to.equal(true);
    expect(allocated).to.deep.equal([]);
  });

  it('a frame that spans reads is the taker’s, in a buffer of its size', () => {
    const kept: Uint8Array[] = [];
    const { splitter, owned } = taking(undefined, (bytes, start, end, own) => {
      expect([start, end - start]).to.deep.equal(own ? [0, bytes.length] : [start, 54]);
      if (own) kept.push(bytes);
    });
    const frames = [frameOf(50, 1), frameOf(50, 2), frameOf(50, 3)];
    pushAll(splitter, cut(join(frames), [80, 1000]));
    expect(owned).to.deep.equal([false, true, false]);
    expect(kept.map(toHex)).to.deep.equal([contentOf(frames[1]!)]);
  });

  it('only the bytes between start and end are looked at', () => {
    const { splitter, frames } = taking();
    const frame = frameOf(3);
    const buffer = new Uint8Array(100).fill(0xff);
    buffer.set(frame, 50);
    splitter.push(buffer, 50, 50);
    splitter.push(buffer, 50, 55);
    expect(splitter.inside).to.equal(true);
    splitter.push(buffer, 55, 50 + frame.length);
    expect(frames).to.deep.equal([contentOf(frame)]);
  });

  it('a frame of 12 MB is collected, with room for it that grows as it arrives', () => {
    const frame = frameOf(12_000_000);
    const { splitter, frames, allocated } = taking();
    pushAll(splitter, cut(frame, [65_536]));
    expect(frames).to.deep.equal([contentOf(frame)]);
    expect(allocated[0]).to.equal(mebibyte);
    expect(allocated.at(-1)).to.equal(frame.length - 4);
    expect(allocated.length).to.be.at.most(6);
  });

  it('a size that is a lie costs no memory', () => {
    const { splitter, allocated, frames } = taking(1 << 30);
    const claim = Uint8Array.of(0x3f, 0xff, 0xff, 0xff, 0, 8, 0, 1);
    pushAll(splitter, [claim]);
    expect(splitter.inside).to.equal(true);
    expect(allocated).to.deep.equal([mebibyte]);
    pushAll(splitter, [new Uint8Array(3 * mebibyte)]);
    expect(allocated.reduce((sum, size) => sum + size, 0)).to.be.below(5 * mebibyte);
    expect(frames).to.deep.equal([]);
  });

  for (const size of [0, 1, 2, 3, 1001, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    for (const pieces of [1, 2, 20]) {
      it(`a size of ${String(size)}, in reads of ${String(pieces)} bytes`, () => {
        const { splitter, frames, allocated } = taking(1000);
        const lie = new Uint8Array(20);
        new DataView(lie.buffer).setUint32(0, size);
        expect(() => pushAll(splitter, cut(join([frameOf(5), lie]), [pieces]))).to.throw(
          ProtocolError,
          size < 4
            ? 'the size has no room for a key and a version'
            : `cannot read a frame of ${String(size)} bytes: the most that is taken is 1000 bytes`,
        );
        expect(frames).to.deep.equal([contentOf(frameOf(5))]);
        expect(allocated.every((length) => length === 9)).to.equal(true);
        // and that is the end of it
        pushAll(splitter, [frameOf(5)]);
        expect(frames).to.have.length(1);
      });
    }
  }

  it('the largest frame that is taken', () => {
    const { splitter, frames } = taking(1000);
    pushAll(splitter, [frameOf(996)]);
    pushAll(splitter, cut(frameOf(996), [999]));
    expect(frames).to.have.length(2);
  });

  for (const sizes of [[1], [7], [1000]]) {
    it(`after stop() nothing comes, also from within; reads of ${String(sizes[0])} bytes`, () => {
      const taken = taking(undefined, () => {
        if (taken.frames.length === 3) taken.splitter.stop();
      });
      pushAll(taken.splitter, cut(join(Array.from({ length: 10 }, () => frameOf(20))), sizes));
      expect(taken.frames).to.have.length(3);
      expect(taken.splitter.inside).to.equal(false);
    });

    it(`what the taker throws comes out, and nothing follows it; reads of ${String(sizes[0])} bytes`, () => {
      const taken = taking(undefined, () => {
        if (taken.frames.length === 3) throw new RangeError('no more');
      });
      const pieces = cut(join(Array.from({ length: 10 }, () => frameOf(20))), sizes);
      expect(() => pushAll(taken.splitter, pieces)).to.throw(RangeError, 'no more');
      pushAll(taken.splitter, pieces);
      expect(taken.frames).to.have.length(3);
    });
  }
});

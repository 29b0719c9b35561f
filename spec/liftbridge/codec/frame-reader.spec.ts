import { expect } from 'chai';
import fc from 'fast-check';
import { FrameTooLargeError, OverflowError, ProtocolError } from '../../../lib/core/errors.js';
import { FrameReader } from '../../../lib/liftbridge/codec/frame-reader.js';
import { grpcFrame } from '../../../lib/liftbridge/codec/grpc-frame.js';
import { concat, hexBytes, toHex, utf8 } from './bytes.js';

const maxMessage = 5000;
const message = fc.oneof(
  fc.uint8Array({ maxLength: 30 }),
  fc.constant(new Uint8Array(0)),
  fc.uint8Array({ minLength: 1000, maxLength: 1100 }),
  fc.uint8Array({ minLength: 4000, maxLength: maxMessage }),
);
const messages = fc.array(message, { maxLength: 12 });

/** Cuts bytes into chunks whose lengths come from a list, over and over. */
function chunksOf(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length]!;
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return chunks;
}
const lengths = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 }),
  fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 8 }),
);

/** A reader that keeps what it hands on, and is held as the taker says. */
function collecting(held: () => boolean = () => false): { reader: FrameReader; taken: string[] } {
  const taken: string[] = [];
  const reader = new FrameReader({ maxMessage }, (bytes, start, end) => {
    taken.push(toHex(bytes.subarray(start, end)));
    return !held();
  });
  return { reader, taken };
}

describe('liftbridge codec: gRPC messages', () => {
  it('come out as they were, however they are cut', () => {
    fc.assert(
      fc.property(messages, lengths, (sent, cuts) => {
        const { reader, taken } = collecting();
        for (const chunk of chunksOf(concat(...sent.map(grpcFrame)), cuts)) expect(reader.push(chunk)).to.equal(true);
        expect(taken).to.deep.equal(sent.map(toHex));
        expect(reader.inside).to.equal(false);
      }),
    );
  });

  it('come out as they were when the taker holds the reader now and then', () => {
    fc.assert(
      fc.property(messages, lengths, fc.infiniteStream(fc.boolean()), (sent, cuts, choices) => {
        const { reader, taken } = collecting(() => choices.next().value as boolean);
        for (const chunk of chunksOf(concat(...sent.map(grpcFrame)), cuts)) {
          let ready = reader.push(chunk);
          while (!ready) ready = reader.resume();
        }
        expect(taken).to.deep.equal(sent.map(toHex));
        expect(reader.inside).to.equal(false);
      }),
    );
  });

  it('come out as they were when chunks come while the reader is held', () => {
    fc.assert(
      fc.property(messages, lengths, fc.infiniteStream(fc.nat(3)), (sent, cuts, choices) => {
        const { reader, taken } = collecting(() => choices.next().value === 0);
        for (const chunk of chunksOf(concat(...sent.map(grpcFrame)), cuts)) {
          const ready = reader.push(chunk);
          if (!ready && choices.next().value === 0) reader.resume();
        }
        while (!reader.resume());
        expect(taken).to.deep.equal(sent.map(toHex));
      }),
    );
  });

  it('a held reader hands nothing on before it is resumed', () => {
    const { reader, taken } = collecting(() => true);
    const chunk = concat(grpcFrame(utf8('a')), grpcFrame(utf8('b')), grpcFrame(utf8('c')));
    expect(reader.push(chunk)).to.equal(false);
    expect(taken).to.deep.equal(['61']);
    expect(reader.inside).to.equal(true);
    expect(reader.push(grpcFrame(utf8('d')))).to.equal(false);
    expect(taken).to.deep.equal(['61']);
    for (const length of [2, 3, 4]) {
      expect(reader.resume()).to.equal(false);
      expect(taken).to.have.length(length);
    }
    expect(reader.inside).to.equal(false);
    expect(reader.resume()).to.equal(true);
    expect(taken).to.deep.equal(['61', '62', '63', '64']);
  });

  it('what lies in one chunk is not copied', () => {
    const chunk = concat(grpcFrame(utf8('abc')), grpcFrame(new Uint8Array(0)), grpcFrame(utf8('d')));
    const places: (readonly [Uint8Array, number, number])[] = [];
    new FrameReader({ maxMessage }, (...place) => places.push(place)).push(chunk);
    expect(places.map(([, start, end]) => [start, end])).to.deep.equal([
      [5, 8],
      [13, 13],
      [18, 19],
    ]);
    for (const [bytes] of places) expect(bytes).to.equal(chunk);
  });

  it('what spans chunks stays as it is', () => {
    const kept: Uint8Array[] = [];
    const reader = new FrameReader({ maxMessage: 1 << 24 }, (bytes, start, end) => {
      kept.push(bytes.subarray(start, end));
    });
    const sent = Array.from({ length: 200 }, (_, i) => new Uint8Array(i === 100 ? 3_000_000 : i * 10).fill(i));
    const all = new Uint8Array(sent.reduce((sum, { length }) => sum + 5 + length, 0));
    let at = 0;
    for (const bytes of sent) {
      all.set(grpcFrame(bytes), at);
      at += 5 + bytes.length;
    }
    for (const chunk of chunksOf(all, [701])) reader.push(chunk);
    expect(kept).to.have.length(sent.length);
    for (const [i, bytes] of kept.entries()) {
      expect(bytes.length).to.equal(sent[i]!.length);
      expect(bytes.every((byte) => byte === i)).to.equal(true);
    }
  });

  it('a push or a resume by the taker keeps the order', () => {
    const taken: string[] = [];
    const reader: FrameReader = new FrameReader({ maxMessage }, (bytes, start, end) => {
      taken.push(toHex(bytes.subarray(start, end)));
      expect(reader.resume()).to.equal(false);
      if (taken.length === 1) reader.push(grpcFrame(utf8('c')));
      return taken.length !== 2;
    });
    expect(reader.push(concat(grpcFrame(utf8('a')), grpcFrame(utf8('b'))))).to.equal(false);
    expect(taken).to.deep.equal(['61', '62']);
    expect(reader.resume()).to.equal(true);
    expect(taken).to.deep.equal(['61', '62', '63']);
  });

  it('nothing comes after stop, also when the taker calls it', () => {
    const taken: string[] = [];
    const reader: FrameReader = new FrameReader({ maxMessage }, (bytes, start, end) => {
      taken.push(toHex(bytes.subarray(start, end)));
      reader.stop();
    });
    const two = concat(grpcFrame(utf8('a')), grpcFrame(utf8('b')));
    expect(reader.push(two)).to.equal(true);
    expect(reader.push(two)).to.equal(true);
    expect(reader.resume()).to.equal(true);
    expect(taken).to.deep.equal(['61']);
    expect(reader.inside).to.equal(false);
  });

  it('a stream that ends inside a message is told by the reader', () => {
    for (const length of [1, 4, 5, 6]) {
      const { reader } = collecting();
      reader.push(grpcFrame(utf8('ab')).subarray(0, length));
      expect(reader.inside, `${String(length)} bytes`).to.equal(true);
    }
  });

  describe('refused', () => {
    const heads = [
      ['a compressed message', '0100000001ff', ProtocolError, 'compressed'],
      ['another first byte', '0200000001ff', ProtocolError, 'first byte is 2'],
      ['a message over the limit', '0000001389', FrameTooLargeError, '5001 bytes'],
      ['a message of 4 GiB', '00ffffffff', FrameTooLargeError, '4294967295 bytes'],
    ] as const;
    for (const [title, hex, type, words] of heads) {
      it(title, () => {
        for (const length of [1, 2, 5, 6]) {
          const { reader, taken } = collecting();
          const push = (): void => {
            for (const chunk of chunksOf(concat(grpcFrame(utf8('a')), hexBytes(hex)), [6, length])) reader.push(chunk);
          };
          expect(push).to.throw(type, words).with.property('broker', 'liftbridge');
          reader.push(grpcFrame(utf8('b')));
          expect(taken).to.deep.equal(['61']);
        }
      });
    }

    it('a message at the limit is not', () => {
      const { reader, taken } = collecting();
      reader.push(grpcFrame(new Uint8Array(maxMessage)));
      expect(taken).to.have.length(1);
    });

    it('too much while the reader is held', () => {
      const reader = new FrameReader({ maxMessage, maxHeld: 100 }, () => false);
      reader.push(grpcFrame(utf8('a')));
      reader.push(new Uint8Array(60));
      expect(() => reader.push(new Uint8Array(41))).to.throw(OverflowError, '101 bytes');
      expect(reader.push(new Uint8Array(100))).to.equal(true);
    });
  });

  it('what the taker throws is thrown, and nothing comes after it', () => {
    let calls = 0;
    const reader = new FrameReader({ maxMessage }, () => {
      calls++;
      throw new Error('mine');
    });
    expect(() => reader.push(concat(grpcFrame(utf8('a')), grpcFrame(utf8('b'))))).to.throw('mine');
    expect(reader.push(grpcFrame(utf8('c')))).to.equal(true);
    expect(calls).to.equal(1);
  });
});

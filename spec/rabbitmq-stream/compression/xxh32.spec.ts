import { expect } from 'chai';
import { xxh32 } from '../../../lib/rabbitmq-stream/compression/xxh32.js';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('rabbitmq-stream/compression/xxh32', () => {
  // longer ones are checked against the frames of other LZ4 writers
  it('comes to the published sums', () => {
    expect(xxh32(ascii(''))).to.equal(0x02cc5d05);
    expect(xxh32(ascii('a'))).to.equal(0x550d7456);
    expect(xxh32(ascii('abc'))).to.equal(0x32d153ff);
    expect(xxh32(ascii('Nobody inspects the spammish repetition'))).to.equal(0xe2293b2f);
  });

  it('takes a part of its bytes', () => {
    expect(xxh32(ascii('xxabcyy'), 2, 5)).to.equal(0x32d153ff);
  });
});

import { expect } from 'chai';
import { gzipSync } from 'node:zlib';
import { gzip } from '../../../lib/rabbitmq-stream/compression/gzip.js';
import { bytesOf, refusal } from './kit.js';

describe('rabbitmq-stream/compression/gzip', () => {
  it('reads the sub-entry of three records that a broker gave back', () => {
    const data = bytesOf('1f8b0800000000000203636060e062082e5dc09a919a9393cf8087070093bc86812a000000');
    const record = '0000000a005375a00568656c6c6f';
    expect(Buffer.from(gzip.decompress(data, 42)).toString('hex')).to.equal(record.repeat(3));
  });

  it('writes the same bytes for the same records, so that a batch can be sent again', () => {
    const bytes = Buffer.from('hello hello hello');
    expect(gzip.compress(bytes)).to.deep.equal(gzip.compress(bytes));
  });

  it('reads several members as one', () => {
    const members = Buffer.concat([gzipSync('one '), gzipSync(''), gzipSync('two')]);
    expect(Buffer.from(gzip.decompress(members, 7)).toString()).to.equal('one two');
    refusal(gzip, members, 4);
    refusal(gzip, members, 3);
  });

  it('refuses zeros behind the last member, and a member behind the zeros', () => {
    const member = gzipSync('hello');
    expect(refusal(gzip, Buffer.concat([member, Buffer.alloc(3)]), 5).message).to.include('3 bytes follow');
    refusal(gzip, Buffer.concat([member, Buffer.alloc(2), member]), 5);
    refusal(gzip, Buffer.concat([member, Buffer.alloc(2), member]), 10);
  });

  it('refuses a wrong checksum and a wrong length', () => {
    const member = gzipSync('hello');
    for (const at of [member.length - 8, member.length - 4]) {
      const changed = Buffer.from(member);
      changed[at]! ^= 1;
      refusal(gzip, changed, 5);
    }
  });

  it('does not believe a size that so few bytes cannot come to', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 200; i++) refusal(gzip, gzipSync('x'), 64 * 1024 * 1024);
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(64 * 1024 * 1024);
  });
});

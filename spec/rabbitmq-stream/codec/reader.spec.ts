import { expect } from 'chai';
import { InvalidOptionError, ProtocolError } from '../../../lib/core/errors.js';
import { Confirm, readConfirm } from '../../../lib/rabbitmq-stream/codec/confirm.js';
import { frameReader } from '../../../lib/rabbitmq-stream/codec/head.js';
import { keyName, keys, responseBit } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { Reader } from '../../../lib/rabbitmq-stream/codec/reader.js';
import { responseCodeName, responseCodes } from '../../../lib/rabbitmq-stream/codec/response-codes.js';
import { readI64Number, readId } from '../../../lib/rabbitmq-stream/codec/integers.js';
import * as requests from '../../../lib/rabbitmq-stream/codec/requests.js';
import * as responses from '../../../lib/rabbitmq-stream/codec/responses.js';
import { Writer } from '../../../lib/rabbitmq-stream/codec/writer.js';
import { encodePublishConfirm } from '../../support/rabbitmq-frames.js';
import { hexBytes, oddView, toHex } from './bytes.js';

const readerOf = (hex: string): Reader => {
  const bytes = oddView(hexBytes(hex));
  return new Reader(bytes, 0, bytes.length, 'Example');
};

/** What a read throws, which has to be a `ProtocolError`. */
function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    expect(error).to.be.instanceOf(ProtocolError);
    expect((error as ProtocolError).broker).to.equal('rabbitmq-stream');
    return (error as ProtocolError).message;
  }
  throw new Error('nothing was thrown');
}

describe('rabbitmq-stream codec: Reader', () => {
  it('stays within its bounds, whatever lies behind them', () => {
    for (const [hex, read] of [
      ['', 'u8'],
      ['01', 'u16'],
      ['010203', 'u32'],
      ['01020304050607', 'id'],
      ['00', 'string'],
      ['000568656c6c', 'string'],
      ['000000', 'nullableBytes'],
      ['0000000568656c6c', 'nullableBytes'],
      ['00000001000161', 'map'],
    ] as const) {
      const reader = readerOf(hex);
      expect(
        refusal(() => reader[read]()),
        `${read} of '${hex}'`,
      ).to.match(/^cannot read a Example of \d bytes: /);
    }
  });

  it('says what was wrong with which frame, and where', () => {
    const reader = readerOf('0004 0568656c6c'.replace(' ', ''));
    reader.u8();
    expect(refusal(() => reader.string())).to.equal(
      'cannot read a Example of 7 bytes: the length of a string is 1029, with 4 bytes left, at byte 1. ' +
        'Check that the port is the stream port of a RabbitMQ broker, and that nothing between changes its bytes',
    );
  });

  it('takes null for a string only where it may be', () => {
    expect(readerOf('ffff').nullableString()).to.equal(null);
    expect(refusal(() => readerOf('ffff').string())).to.contain('no string where there has to be one');
    expect(refusal(() => readerOf('fffe').nullableString())).to.contain('the length of a string is -2');
    expect(readerOf('ffffffff').nullableBytes()).to.equal(null);
    expect(refusal(() => readerOf('80000000').nullableBytes())).to.contain('the length of a byte array is -2147483648');
    expect(readerOf('00000000').nullableBytes()).to.deep.equal(new Uint8Array(0));
  });

  it('takes 0 and 1 for a bool, nothing else', () => {
    expect([readerOf('00').bool(), readerOf('01').bool()]).to.deep.equal([false, true]);
    expect(refusal(() => readerOf('02').bool())).to.contain('2 where 0 or 1 should be');
  });

  it('refuses an array that claims more elements than there are bytes for, before it reads one', () => {
    let read = 0;
    const reader = readerOf('ffffffff' + '00'.repeat(100));
    expect(refusal(() => reader.array(2, () => read++))).to.contain('an array of 4294967295 in 100 bytes');
    expect(read).to.equal(0);
    expect(readerOf('00000032' + '00'.repeat(100)).array(2, (from) => from.u16())).to.have.length(50);
    expect(refusal(() => readerOf('00000033' + '00'.repeat(100)).array(2, (from) => from.u16()))).to.contain(
      'of 51 in',
    );
  });

  it('integers of 64 bits: a number where that is exact', () => {
    const at = (value: bigint): Uint8Array => new Writer(0, 0).u64(value).finish().subarray(8);
    for (const value of [0n, 1n, 2n ** 32n, 2n ** 53n - 1n]) expect(readId(at(value), 0)).to.equal(Number(value));
    for (const value of [2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) expect(readId(at(value), 0)).to.equal(value);
    for (const value of [-1, 0, 1_700_000_000_000, -(2 ** 53 - 1), 2 ** 53 - 1]) {
      expect(readI64Number(at(BigInt(value)), 0)).to.equal(value);
      expect(readI64Number(new Writer(0, 0).u64(value).finish().subarray(8), 0)).to.equal(value);
    }
    expect(readerOf('ffffffffffffffff').i64()).to.equal(-1n);
    expect(readerOf('ffffffffffffffff').u64()).to.equal(2n ** 64n - 1n);
  });

  it('takes what is not UTF-8 as U+FFFD, short and long', () => {
    expect(readerOf('0002c328').string()).to.equal('\ufffd(');
    expect(readerOf('0021' + '61'.repeat(32) + 'ff').string()).to.equal('a'.repeat(32) + '\ufffd');
  });
});

describe('rabbitmq-stream codec: Writer', () => {
  it('refuses a string whose length has no room for it, in bytes of UTF-8', () => {
    expect(() => requests.encodeOpen(1, { vhost: 'é'.repeat(16_384) })).to.throw(
      InvalidOptionError,
      /^the string 'é{40}…' has 32768 bytes of UTF-8, where RabbitMQ's stream protocol takes up to 32767; /,
    );
    expect(requests.encodeOpen(1, { vhost: 'x'.repeat(32_767) })).to.have.length(14 + 32_767);
  });

  it('grows at any field', () => {
    for (let length = 40; length < 70; length++) {
      const writer = new Writer(1, 1)
        .raw(new Uint8Array(length))
        .u8(0xaa)
        .u16(0xbbbb)
        .u32(0xcccccccc)
        .u64(1n)
        .string('é');
      const frame = writer.bytes(Uint8Array.of(5)).bytes(null).string(null).finish();
      const tail = 'aabbbbcccccccc' + '0000000000000001' + '0002c3a9' + '0000000105' + 'ffffffff' + 'ffff';
      expect(toHex(frame.subarray(8 + length))).to.equal(tail);
      expect(frame[3]).to.equal(frame.length - 4);
    }
  });

  it('credentials with any characters', () => {
    expect([...requests.saslPlainData('é', 'p\u0000w')]).to.deep.equal([0, 0xc3, 0xa9, 0, 0x70, 0, 0x77]);
  });

  it('a Close response says OK, a ConsumerUpdate response too', () => {
    expect(requests.encodeCloseResponse(9)).to.deep.equal(requests.encodeCloseResponse(9, 1));
    const offset = { type: 'next' } as const;
    expect(requests.encodeConsumerUpdateResponse(9, { offset })).to.deep.equal(
      requests.encodeConsumerUpdateResponse(9, { offset, code: 1 }),
    );
  });

  it('a spec without properties has an empty map in ResolveOffsetSpec, and none in Subscribe', () => {
    const offset = { type: 'next' } as const;
    expect(requests.encodeResolveOffsetSpec(1, { stream: 's', offset })).to.deep.equal(
      requests.encodeResolveOffsetSpec(1, { stream: 's', offset, properties: {} }),
    );
    const subscribe = { subscriptionId: 1, stream: 's', offset, credit: 1 };
    const bare = requests.encodeSubscribe(1, subscribe);
    expect(requests.encodeSubscribe(1, { ...subscribe, properties: {} })).to.have.length(bare.length + 4);
  });
});

describe('rabbitmq-stream codec: what a broker should not send', () => {
  const bodyOf = (key: number, hex: string): Reader => {
    const body = hexBytes(hex);
    const frame = new Writer(key, 1).raw(body).finish();
    return frameReader(frame, 4, frame.length);
  };

  it('Metadata that names a node it does not tell', () => {
    const reader = bodyOf(keys.metadata | responseBit, '00000000' + '00000001' + '0001730001' + '0005' + '00000000');
    expect(refusal(() => responses.readMetadata(reader))).to.match(
      /^cannot read a Metadata response of 23 bytes: the node 5 is not among those that it names, at byte 17\./,
    );
  });

  it('a replica that nobody can name is left out', () => {
    const reader = bodyOf(
      keys.metadata | responseBit,
      '00000001' + '0007000168' + '000015b0' + '00000001' + '0001730001' + '0007' + '00000002' + 'ffff' + '0007',
    );
    const node = { host: 'h', port: 5552 };
    expect(responses.readMetadata(reader)).to.deep.equal([{ stream: 's', code: 1, leader: node, replicas: [node] }]);
  });

  it('an offset of a type that there is not', () => {
    const reader = bodyOf(keys.resolveOffsetSpec | responseBit, '0006');
    expect(refusal(() => responses.readResolveOffsetSpec(reader))).to.contain('6 is no type of offset, at byte 4');
  });

  it('a challenge that is neither a string nor bytes', () => {
    const reader = bodyOf(keys.saslAuthenticate | responseBit, '00056162');
    expect(refusal(() => responses.readSaslAuthenticate(reader))).to.contain('SaslAuthenticate response of 8 bytes');
  });

  it('no challenge, in three ways', () => {
    for (const hex of ['', '0000', 'ffff', '00000000', 'ffffffff']) {
      const reader = bodyOf(keys.saslAuthenticate | responseBit, hex);
      expect(responses.readSaslAuthenticate(reader), hex).to.equal(undefined);
    }
  });

  it('an Open response without properties, a Close without a reason', () => {
    expect(responses.readOpen(bodyOf(keys.open | responseBit, ''))).to.deep.equal(new Map());
    expect(responses.readClose(bodyOf(keys.close, '000effff'))).to.deep.equal({ code: 14, reason: '' });
  });

  it('fields of a later version behind those that are known are nobody’s', () => {
    expect(responses.readTune(bodyOf(keys.tune, '00100000' + '0000003c' + '01020304'))).to.deep.equal({
      frameMax: 1_048_576,
      heartbeat: 60,
    });
  });

  it('PublishConfirm whose count is not that of its ids', () => {
    const good = encodePublishConfirm(3, [1, 2, 3]);
    const confirm = new Confirm();
    for (const count of [0, 2, 4, 0x2000_0003, 0xffff_ffff]) {
      const frame = good.slice();
      new DataView(frame.buffer).setUint32(9, count);
      expect(refusal(() => readConfirm(frame, 4, frame.length, confirm))).to.contain(
        `${String(count)} ids in 24 bytes`,
      );
    }
    for (let end = 4; end < good.length; end++) refusal(() => readConfirm(good, 4, end, confirm));
    expect(confirm).to.deep.equal(new Confirm());
  });
});

describe('rabbitmq-stream codec: names', () => {
  it('of commands and of their responses', () => {
    expect(keyName(keys.queryPublisherSequence)).to.equal('QueryPublisherSequence');
    expect(keyName(keys.open | responseBit)).to.equal('Open response');
    expect(keyName(0x99)).to.equal('command 0x0099');
    expect(new Set(Object.values(keys))).to.have.property('size', 31);
  });

  it('of codes', () => {
    expect(responseCodeName(responseCodes.NO_OFFSET)).to.equal('NO_OFFSET');
    expect(responseCodeName(99)).to.equal('CODE_99');
    expect(Object.values(responseCodes)).to.deep.equal(Array.from({ length: 21 }, (_, i) => i + 1));
  });
});

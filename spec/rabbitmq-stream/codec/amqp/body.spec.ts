import { expect } from 'chai';
import fc from 'fast-check';
import { bodyOf } from '../../../../lib/rabbitmq-stream/codec/amqp/body.js';
import {
  bodyStart,
  dataSectionLength,
  writeDataSection,
} from '../../../../lib/rabbitmq-stream/codec/amqp/data-section.js';
import { encodeMessage, encodePreamble } from '../../../../lib/rabbitmq-stream/codec/amqp/encode.js';
import { amidOthers, concat, hexBytes, messages, toHex, utf8 } from './kit.js';

function section(body: Uint8Array): Uint8Array {
  const target = new Uint8Array(dataSectionLength(body.length));
  expect(writeDataSection(target, 0, body)).to.equal(target.length);
  return target;
}

/** The body of a record that lies amid others, in hex. */
function bodyIn(record: Uint8Array): string {
  const { buffer, start, end } = amidOthers(record);
  return toHex(bodyOf(buffer, start, end));
}

function isSimple(record: Uint8Array): boolean {
  const { buffer, start, end } = amidOthers(record);
  const found = bodyStart(buffer, start, end);
  if (found >= 0) expect(toHex(buffer.subarray(found, end))).to.equal(bodyIn(record));
  return found >= 0;
}

describe('rabbitmq-stream codec, AMQP: bodies', () => {
  describe('a lone data section', () => {
    for (const length of [0, 1, 255, 256, 65_535, 65_536, 70_000]) {
      it(`of ${String(length)} bytes comes back as a view`, () => {
        const body = Uint8Array.from({ length }, (_, i) => i % 251);
        const record = section(body);
        expect(record.length).to.equal(length + (length < 256 ? 5 : 8));
        expect(isSimple(record)).to.equal(true);
        const found = bodyOf(record, 0, record.length);
        expect(toHex(found)).to.equal(toHex(body));
        expect(found.buffer).to.equal(record.buffer);
      });
    }

    it('is written where it is told, and nothing beside it', () => {
      const target = new Uint8Array(14).fill(0xee);
      expect(writeDataSection(target, 3, utf8('abc'))).to.equal(11);
      expect(toHex(target)).to.equal('eeeeee005375a003616263eeeeee');
    });

    it('in the long form though it is short', () => {
      expect(isSimple(hexBytes('005375b0 00000002 6869'))).to.equal(true);
    });

    it('whose length is not that of the record is none', () => {
      for (const hex of [
        '',
        '00',
        '005375',
        '005375a0',
        '005375a001',
        '005375a0026869aa',
        '005375b0',
        '005375b0000000',
        '005375b00000000168 69',
        '005375b0ffffffff68',
        '005375a10168',
        '005377a00168',
        '015375a00168',
        '005075a00168',
      ]) {
        expect(isSimple(hexBytes(hex)), hex).to.equal(false);
      }
    });

    it('of which the length would be right with the bytes behind it is none', () => {
      const buffer = hexBytes('005375a003616263');
      expect(bodyStart(buffer, 0, 7)).to.equal(-1);
      expect(bodyStart(buffer, 0, 8)).to.equal(5);
      expect(bodyStart(hexBytes('005375b000000000'), 0, 7)).to.equal(-1);
    });
  });

  describe('as bytes', () => {
    it('of several data sections, together', () => {
      const record = hexBytes('005375a0026162 005375a000 005375b00000000163');
      expect(bodyIn(record)).to.equal(toHex(utf8('abc')));
    });

    it('of a value that is a string or binary', () => {
      for (const hex of ['a1026869', 'b1000000026869', 'a0026869', 'b0000000026869']) {
        expect(bodyIn(concat(hexBytes('005377'), hexBytes(hex))), hex).to.equal(toHex(utf8('hi')));
      }
    });

    it('behind other sections, before a footer', () => {
      fc.assert(
        fc.property(messages, (message) => {
          const body = utf8('the body');
          expect(bodyIn(encodeMessage({ ...message, body }))).to.equal(toHex(body));
        }),
      );
    });

    it('behind sections that nobody knows', () => {
      const record = hexBytes('005324c00101 00a30378797aa10161 0000530153 02 005379a10161 005375a0026869');
      expect(bodyIn(record)).to.equal(toHex(utf8('hi')));
    });

    it('behind descriptors of eight bytes and of names', () => {
      expect(bodyIn(hexBytes('00800000000000000073 45 00800000000000000075 a0026869'))).to.equal(toHex(utf8('hi')));
      const named = concat(hexBytes('00a310'), utf8('amqp:data:binary'), hexBytes('a0026869'));
      expect(bodyIn(named)).to.equal(toHex(utf8('hi')));
      const long = concat(hexBytes('00b300000010'), utf8('amqp:data:binary'), hexBytes('a0026869'));
      expect(bodyIn(long)).to.equal(toHex(utf8('hi')));
    });

    it('of a message that has none is empty', () => {
      expect(bodyIn(encodePreamble({ properties: { subject: 's' } }))).to.equal('');
    });
  });

  describe('that come as they are', () => {
    const records: Record<string, string> = {
      'no bytes': '',
      text: toHex(utf8('hello')),
      'a zero': '00',
      zeros: '0000000000000000',
      'a message without its last byte': '005375a00568656c6c',
      'a message and a byte more': '005375a00568656c6c6f00',
      'a message and a newline': '005375a00568656c6c6f0a',
      'a data section that is a list': '00537545',
      'a string in a data section whose length is of something else': '005375a00568656c6c6fc10a02a10161a10162a10163',
      'properties that are a map': '005373c10100 005375a00161',
      'two properties': '00537345 00537345 005375a00161',
      'bodies of two kinds': '005375a00161 005377a10161',
      'two values': '005377a10161 005377a10162',
      'only unknown sections': '00532445',
      'a descriptor beyond 32 bits': '00800000000100000075 a00161',
      'a sequence': '005376c0030154 01',
      'a number': '0053775401',
      'a symbol': '005377a30161',
      'a null': '00537740',
      'a described string': '00537700532aa10161',
      'an endless descriptor': '00'.repeat(1000),
    };
    for (const [name, hex] of Object.entries(records)) {
      it(name, () => {
        expect(bodyIn(hexBytes(hex))).to.equal(toHex(hexBytes(hex)));
      });
    }
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { InvalidOptionError } from '../../../../lib/core/errors.js';
import {
  amqpDescribed,
  amqpType,
  type AmqpTypeInputs,
  type AmqpTypeName,
} from '../../../../lib/rabbitmq-stream/codec/amqp/typed.js';
import { carried, readValue, toHex, utf8, values, writtenValue } from './kit.js';

const uuid = '00010203-0405-0607-0809-0a0b0c0d0e0f';

describe('rabbitmq-stream codec, AMQP: values', () => {
  describe('are read in each of their types', () => {
    const rows: readonly (readonly [name: string, hex: string, value: unknown])[] = [
      ['null', '40', null],
      ['true', '41', true],
      ['false', '42', false],
      ['boolean', '5601', true],
      ['boolean, false', '5600', false],
      ['ubyte', '50ff', 255],
      ['byte', '51ff', -1],
      ['ushort', '60ffff', 65_535],
      ['short', '618000', -32_768],
      ['uint', '70ffffffff', 4_294_967_295],
      ['smalluint', '52ff', 255],
      ['uint0', '43', 0],
      ['int', '7180000000', -2_147_483_648],
      ['smallint', '5480', -128],
      ['ulong', '80ffffffffffffffff', (1n << 64n) - 1n],
      ['smallulong', '53ff', 255n],
      ['ulong0', '44', 0n],
      ['long', '818000000000000000', -(1n << 63n)],
      ['smalllong', '5580', -128n],
      ['float', '723fc00000', 1.5],
      ['double', '823ff8000000000000', 1.5],
      ['double, not a number', '827ff8000000000000', NaN],
      ['char', '730001f600', '😀'],
      ['timestamp', '830000018bcfe56800', new Date(1_700_000_000_000)],
      ['timestamp, the last of a Date', '83001eb208c2dc0000', new Date(8.64e15)],
      ['timestamp, beyond', '83001eb208c2dc0001', amqpType('timestamp', 8_640_000_000_000_001n)],
      ['uuid', '98000102030405060708090a0b0c0d0e0f', amqpType('uuid', uuid)],
      ['decimal32', '7422500001', amqpType('decimal32', Uint8Array.of(0x22, 0x50, 0, 1))],
      ['decimal64', '84'.padEnd(18, '1'), amqpType('decimal64', new Uint8Array(8).fill(0x11))],
      ['decimal128', '94'.padEnd(34, '1'), amqpType('decimal128', new Uint8Array(16).fill(0x11))],
      ['binary', 'a00201ff', Uint8Array.of(1, 255)],
      ['binary, long', 'b00000000201ff', Uint8Array.of(1, 255)],
      ['string', 'a104c3a96869', 'éhi'],
      ['string, long', 'b100000002c3a9', 'é'],
      ['string with a byte order mark', 'a104efbbbf61', '\ufeffa'],
      ['string that is not UTF-8', 'a10361ff62', 'a\ufffdb'],
      ['symbol', 'a3026869', 'hi'],
      ['symbol, long', 'b3000000026869', 'hi'],
      ['list0', '45', []],
      ['list', 'c006025401a10161', [1, 'a']],
      ['list, long', 'd000000009000000025401a10161', [1, 'a']],
      ['map', 'c10602a101615401', new Map([['a', 1]])],
      ['map, long', 'd10000000900000002a101615401', new Map([['a', 1]])],
      [
        'map with keys of all kinds',
        'c10b065401a1016141550242 40',
        new Map<unknown, unknown>([
          [1, 'a'],
          [true, 2n],
          [false, null],
        ]),
      ],
      ['array of strings', 'e00602a101610162', ['a', 'b']],
      ['array of ints, long', 'f00000000d000000027100000001ffffffff', [1, -1]],
      ['array without items', 'e0020071', []],
      ['array of lists', 'e00802c0030154010100', [[1], []]],
      ['array of maps', 'e00901c10602a101615401', [new Map([['a', 1]])]],
      ['array of arrays', 'e00701e00402500102', [[1, 2]]],
      ['array of nulls', 'e0020340', [null, null, null]],
      ['array of described values', 'e0070200532a500102', [amqpDescribed(42n, 1), amqpDescribed(42n, 2)]],
      ['array of values described twice', 'e00a0100a301610053025007', [amqpDescribed('a', amqpDescribed(2n, 7))]],
      ['described by a number', '00532aa10161', amqpDescribed(42n, 'a')],
      ['described by a name', '00a301785401', amqpDescribed('x', 1)],
    ];
    for (const [name, hex, value] of rows) {
      it(name, () => {
        expect(readValue(hex)).to.deep.equal(value);
      });
    }
  });

  describe('are written in the shortest form', () => {
    const rows: readonly (readonly [name: string, value: unknown, hex: string])[] = [
      ['null', null, '40'],
      ['booleans', [true, false], 'c003024142'],
      ['0', 0, '5400'],
      ['-0, which no integer can say', -0, '828000000000000000'],
      ['a small integer', -128, '5480'],
      ['an integer', 128, '7100000080'],
      ['the least int', -2_147_483_648, '7180000000'],
      ['an integer beyond 32 bits', 2_147_483_648, '810000000080000000'],
      ['the last safe integer', Number.MAX_SAFE_INTEGER, '81001fffffffffffff'],
      ['an integer that is not safe', 2 ** 53, '824340000000000000'],
      ['a fraction', 1.5, '823ff8000000000000'],
      ['infinity', -Infinity, '82fff0000000000000'],
      ['a small bigint', -1n, '55ff'],
      ['a bigint', 128n, '810000000000000080'],
      ['the last long', (1n << 63n) - 1n, '817fffffffffffffff'],
      ['a bigint that is more than a long', 1n << 63n, '808000000000000000'],
      ['a string', 'é', 'a102c3a9'],
      ['an empty string', '', 'a100'],
      ['a string whose length in bytes is more than one byte says', 'é'.repeat(128), `b100000100${'c3a9'.repeat(128)}`],
      ['a string whose length in bytes fits', 'é'.repeat(127), `a1fe${'c3a9'.repeat(127)}`],
      ['a string of 255', 'a'.repeat(255), `a1ff${'61'.repeat(255)}`],
      ['bytes', Uint8Array.of(1, 2), 'a0020102'],
      ['bytes of Node', Buffer.of(1, 2), 'a0020102'],
      ['a Date', new Date(-1), '83ffffffffffffffff'],
      ['an empty array', [], '45'],
      ['a plain object', { a: 1, b: undefined }, 'c10602a101615401'],
      ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 }), 'c10602a101615401'],
      ['an empty object', {}, 'c10100'],
      ['a Map', new Map<unknown, unknown>([[1n, 'a']]), 'c106025501a10161'],
      ['a described value', amqpDescribed('a', amqpDescribed(300n, null)), '00a30161 0080000000000000012c 40'],
    ];
    for (const [name, value, hex] of rows) {
      it(name, () => {
        expect(writtenValue(value)).to.equal(hex.replaceAll(' ', ''));
      });
    }

    it('a list of 255 items whose bytes fit, and one that is longer', () => {
      expect(writtenValue(Array(254).fill(null))).to.equal(`c0fffe${'40'.repeat(254)}`);
      expect(writtenValue(Array(255).fill(null))).to.equal(`d000000103000000ff${'40'.repeat(255)}`);
    });
  });

  describe('by amqpType', () => {
    const rows: {
      [K in AmqpTypeName]: readonly (readonly [value: AmqpTypeInputs[K], hex: string, read?: unknown])[];
    } = {
      ubyte: [[255, '50ff']],
      byte: [[-128, '5180']],
      ushort: [[65_535, '60ffff']],
      short: [[-2, '61fffe']],
      uint: [[4_294_967_295, '70ffffffff']],
      int: [[-1, '54ff']],
      ulong: [
        [0n, '44'],
        [127, '537f', 127n],
        [128n, '800000000000000080'],
        [(1n << 64n) - 1n, '80ffffffffffffffff'],
      ],
      long: [
        [5, '5505', 5n],
        [-(1n << 63n), '818000000000000000'],
      ],
      float: [[1.5, '723fc00000']],
      double: [[2, '824000000000000000']],
      char: [['😀', '730001f600']],
      timestamp: [
        [new Date(5), '830000000000000005'],
        [5, '830000000000000005', new Date(5)],
        [(1n << 63n) - 1n, '837fffffffffffffff', amqpType('timestamp', (1n << 63n) - 1n)],
      ],
      uuid: [[uuid.toUpperCase(), '98000102030405060708090a0b0c0d0e0f', amqpType('uuid', uuid)]],
      symbol: [['hi', 'a3026869']],
      decimal32: [[new Uint8Array(4), '7400000000', amqpType('decimal32', new Uint8Array(4))]],
      decimal64: [[new Uint8Array(8), `84${'00'.repeat(8)}`, amqpType('decimal64', new Uint8Array(8))]],
      decimal128: [[new Uint8Array(16), `94${'00'.repeat(16)}`, amqpType('decimal128', new Uint8Array(16))]],
    };
    for (const [type, cases] of Object.entries(rows)) {
      it(type, () => {
        for (const [value, hex, read] of cases) {
          const typed = amqpType(type as AmqpTypeName, value as never);
          expect(writtenValue(typed)).to.equal(hex);
          expect(carried(typed)).to.deep.equal(read ?? value);
        }
      });
    }

    it('refuses what is none of the type, and names the type and the value', () => {
      const wrong: readonly (readonly [AmqpTypeName, unknown])[] = [
        ['ubyte', 256],
        ['ubyte', -1],
        ['byte', 128],
        ['ushort', 1.5],
        ['short', '1'],
        ['uint', 2 ** 32],
        ['int', 1n],
        ['ulong', -1n],
        ['ulong', 1n << 64n],
        ['ulong', 2 ** 53],
        ['long', 1n << 63n],
        ['float', '1'],
        ['double', null],
        ['char', 'ab'],
        ['char', ''],
        ['char', '\ud800'],
        ['timestamp', new Date(NaN)],
        ['timestamp', 'today'],
        ['uuid', 'not-a-uuid'],
        ['uuid', new Uint8Array(16)],
        ['symbol', 'é'],
        ['decimal32', new Uint8Array(5)],
      ];
      for (const [type, value] of wrong) {
        expect(() => amqpType(type, value as never), `${type} ${String(value)}`)
          .to.throw(InvalidOptionError)
          .with.property('message')
          .that.matches(new RegExp(`^the value for amqpType\\('${type}'\\) must be an? .*; got `));
      }
    });

    it('refuses a type that there is not, and says which there are', () => {
      for (const type of ['text', 'toString']) {
        expect(() => amqpType(type as 'symbol', 'a')).to.throw(
          InvalidOptionError,
          new RegExp(`no AMQP type '${type}' for amqpType; it takes ubyte, ushort,`),
        );
      }
    });

    it('refuses a descriptor that is neither a ulong nor a symbol', () => {
      for (const descriptor of [-1n, 1n << 64n, 'é', 5, undefined]) {
        expect(() => amqpDescribed(descriptor as string, 1)).to.throw(InvalidOptionError, 'amqpDescribed');
      }
    });

    it('survives String and JSON.stringify', () => {
      expect(String(amqpType('uuid', uuid))).to.equal(uuid);
      expect(String(amqpType('decimal32', Uint8Array.of(0, 1, 2, 255)))).to.equal('000102ff');
      const many = [amqpType('ulong', 1n << 60n), amqpType('ubyte', 5), amqpType('symbol', 's')];
      expect(JSON.stringify(many)).to.equal('["1152921504606846976",5,"s"]');
    });

    it('keeps its own copy of bytes', () => {
      const bytes = new Uint8Array(4);
      const typed = amqpType('decimal32', bytes);
      bytes.fill(1);
      expect(toHex(typed.value)).to.equal('00000000');
    });
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(carried(value)).to.deep.equal(value);
      }),
      { numRuns: 1000 },
    );
  });

  it('of the types that JavaScript does not tell apart come back as number, bigint or string', () => {
    const integers: Record<string, readonly [number, number]> = {
      ubyte: [0, 255],
      byte: [-128, 127],
      ushort: [0, 65_535],
      short: [-32_768, 32_767],
      uint: [0, 4_294_967_295],
      int: [-2_147_483_648, 2_147_483_647],
    };
    for (const [type, [min, max]] of Object.entries(integers)) {
      fc.assert(
        fc.property(fc.integer({ min, max }), (value) => {
          expect(carried(amqpType(type as 'int', value))).to.equal(value);
        }),
      );
    }
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (value) => {
        expect(carried(amqpType('ulong', value))).to.equal(value);
        const signed = BigInt.asIntN(64, value);
        expect(carried(amqpType('long', signed))).to.equal(signed);
        const time = carried(amqpType('timestamp', signed));
        expect(time instanceof Date ? BigInt(time.getTime()) : (time as { value: bigint }).value).to.equal(signed);
      }),
    );
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(carried(value)).to.equal((value | 0) === value ? value : BigInt(value));
      }),
    );
    fc.assert(
      fc.property(fc.double(), fc.float(), (double, float) => {
        expect(carried(amqpType('double', double))).to.deep.equal(double);
        expect(carried(amqpType('float', float))).to.deep.equal(float);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), (char) => {
        expect(carried(amqpType('char', char))).to.equal(char);
      }),
    );
  });

  it('are copies: a change of the bytes that they were read from does not reach them', () => {
    const bytes = utf8('abc');
    const [copy] = carried([bytes]) as [Uint8Array];
    bytes.fill(0);
    expect(copy).to.deep.equal(utf8('abc'));
  });
});

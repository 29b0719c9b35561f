import { expect } from 'chai';
import fc from 'fast-check';
import { InvalidOptionError, ProtocolError } from '../../lib/core/errors.js';
import { envelope, openEnvelope, type OpenedEnvelope } from '../../lib/liftbridge/envelope.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const open = (text: string): OpenedEnvelope => openEnvelope(Buffer.from(text, 'hex'));
const hi = Buffer.from('hi');

describe('envelope', () => {
  const all = {
    key: 'key',
    headers: { h1: 'v1' },
    ackInbox: 'acks.1',
    correlationId: 'cid-1',
    ackPolicy: 'all',
  } as const;
  const allHex = '08ffffffffffffffffff0112036b65791a0568656c6c6f4a080a02683112027631520661636b732e315a056369642d316001';

  it('has a CRC-32C unless that is not wanted, and expects no offset', () => {
    expect(hex(envelope(Buffer.from('hello'), all))).to.equal(`b90e43b4000c0100162c7f8f${allHex}`);
    expect(hex(envelope(Buffer.from('hello'), { ...all, crc: false }))).to.equal(`b90e43b400080000${allHex}`);
    expect(hex(envelope(hi, { crc: false }))).to.equal('b90e43b40008000008ffffffffffffffffff011a026869');
  });

  it('is opened again as it was made', () => {
    expect(openEnvelope(envelope(hi))).to.deep.equal({
      kind: 'message',
      value: hi,
      key: undefined,
      headers: new Map(),
      ackInbox: undefined,
      correlationId: undefined,
      ackPolicy: 'leader',
      expectedOffset: undefined,
    });
    expect(openEnvelope(envelope(hi, { ...all, expectedOffset: 2n ** 53n }))).to.deep.equal({
      kind: 'message',
      value: hi,
      key: Buffer.from('key'),
      headers: new Map([['h1', Buffer.from('v1')]]),
      ackInbox: 'acks.1',
      correlationId: 'cid-1',
      ackPolicy: 'all',
      expectedOffset: 2n ** 53n,
    });
    expect(openEnvelope(envelope(hi, { expectedOffset: 0 }))).to.deep.include({ expectedOffset: 0n });
  });

  const bad: [unknown, object, string][] = [
    ['hi', {}, 'value must be a Uint8Array'],
    [hi, { ackInbox: 'a b' }, 'ackInbox must be'],
    [hi, { ackInbox: 'a.>' }, 'ackInbox must be'],
    [hi, { ackPolicy: 'some' }, 'ackPolicy must be'],
    [hi, { expectedOffset: -2 }, 'expectedOffset must be'],
    [hi, { expectedOffset: 1, ackPolicy: 'none' }, 'expectedOffset needs an ack'],
    [hi, { headers: { reply: 'x' } }, "the name 'reply'"],
    [hi, { id: 'x' }, "there is no option 'id'"],
  ];
  for (const [value, options, problem] of bad) {
    it(`refuses: ${problem}`, () => {
      expect(() => envelope(value as Uint8Array, options)).to.throw(InvalidOptionError, problem);
    });
  }
});

describe('openEnvelope', () => {
  it('reads an ack', () => {
    expect(
      open(
        'b90e43b4000800010a01731201731a017320072a0661636b732e3132056369642d313801408180a8b1e39fe7cb17488280a8b1e39fe7cb17',
      ),
    ).to.deep.equal({
      kind: 'ack',
      stream: 's',
      partitionSubject: 's',
      subject: 's',
      offset: 7n,
      correlationId: 'cid-1',
      ackPolicy: 'all',
      receptionTimestamp: 1_700_000_000_000_000_001n,
      commitTimestamp: 1_700_000_000_000_000_002n,
      error: undefined,
    });
  });

  it('reads an ack of a message that is not stored', () => {
    expect(open('b90e43b4000800010a01731201731a01732a0661636b732e3132056369642d3140015002')).to.deep.include({
      kind: 'ack',
      offset: undefined,
      error: 'INCORRECT_OFFSET',
      receptionTimestamp: 1n,
      commitTimestamp: undefined,
    });
  });

  for (const bytes of ['', '00', 'b90e43', '6869', 'b90e43b5000800001a026869']) {
    it(`takes ${bytes || 'nothing'} for a plain message`, () => {
      expect(open(bytes)).to.deep.equal({ kind: 'plain', value: Buffer.from(bytes, 'hex') });
    });
  }

  it('takes what servers say to one another for a plain message, as a stream does', () => {
    expect(open('b90e43b4000800021a026869')).to.have.property('kind', 'plain');
  });

  for (const [bytes, problem] of [
    ['b90e43b4000c0100000000011a026869', 'a wrong CRC'],
    ['b90e43b400c80000', 'a head that goes beyond the end'],
    ['b90e43b4010800001a026869', 'an unknown version'],
    ['b90e43b40008', 'half a head'],
    ['b90e43b40008000112', 'half an ack'],
  ] as const) {
    it(`refuses ${problem}`, () => {
      expect(() => open(bytes)).to.throw(ProtocolError);
    });
  }

  it('throws nothing else, whatever comes', () => {
    const magic = Buffer.from('b90e43b4', 'hex');
    const flipped = fc
      .tuple(fc.uint8Array({ maxLength: 40 }), fc.nat(), fc.integer({ min: 0, max: 7 }), fc.nat())
      .map(([value, at, bit, cut]) => {
        const bytes = Buffer.from(envelope(value, { key: 'k', headers: { a: 'b' }, correlationId: 'c' }));
        bytes[at % bytes.length]! ^= 1 << bit;
        return bytes.subarray(0, cut % 2 === 0 ? bytes.length : cut % bytes.length);
      });
    const anything = fc.uint8Array({ maxLength: 60 }).map((rest) => Buffer.concat([magic, rest]));
    fc.assert(
      fc.property(fc.oneof(flipped, anything), (bytes) => {
        try {
          openEnvelope(bytes);
        } catch (error) {
          expect(error).to.be.instanceOf(ProtocolError);
        }
      }),
      { numRuns: 2_000 },
    );
    expect(() => openEnvelope('x' as never)).to.throw(InvalidOptionError, 'bytes must be a Uint8Array');
  });

  it('sees each flipped bit of a payload', () => {
    const whole = envelope(Buffer.from('payload'), { key: 'k' });
    for (let at = 12; at < whole.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const bytes = Uint8Array.from(whole);
        bytes[at]! ^= 1 << bit;
        expect(() => openEnvelope(bytes), `byte ${at}, bit ${bit}`).to.throw(ProtocolError, 'CRC-32C');
      }
    }
  });
});

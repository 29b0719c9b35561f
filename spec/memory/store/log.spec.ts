import { expect } from 'chai';
import fc from 'fast-check';
import { MessageLog } from '../../../lib/memory/store/log.js';

const bytes = (length: number, fill = 1): Uint8Array => new Uint8Array(length).fill(fill);

describe('memory: MessageLog', () => {
  it('numbers from 1 and reads back across chunks', () => {
    const log = new MessageLog();
    expect([log.first, log.next, log.length]).to.eql([1, 1, 0]);
    for (let i = 1; i <= 5000; i++) expect(log.append(bytes(1, i), undefined, i).offset).to.equal(i);
    for (const offset of [1, 1023, 1024, 1025, 2048, 5000]) {
      expect(log.get(offset)).to.include({ offset, time: offset });
      expect(log.get(offset)!.data).to.eql(bytes(1, offset));
    }
    expect([log.get(0), log.get(5001), log.get(-1), log.get(Infinity)]).to.eql([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('copies data, key and headers, so that the publisher can reuse them', () => {
    const log = new MessageLog();
    const headers = new Map<string, unknown>([['a', 1]]);
    for (const size of [10, 5000]) {
      const data = Buffer.from(bytes(size));
      const key = bytes(3);
      const message = log.append(data, { key, headers, id: 'x' }, 0);
      data.fill(9);
      key.fill(9);
      headers.set('a', 2);
      expect(Buffer.compare(message.data, bytes(size))).to.equal(0);
      expect(message.key).to.eql(bytes(3));
      expect(message.headers!.get('a')).to.equal(size === 10 ? 1 : 2);
      expect(message.id).to.equal('x');
    }
    expect(log.append(bytes(0), { headers: new Map() }, 0)).to.include({
      key: undefined,
      headers: undefined,
      id: undefined,
    });
  });

  it('keeps neighbours apart', () => {
    const log = new MessageLog();
    const messages = Array.from({ length: 3000 }, (_, i) => log.append(bytes(i % 40, i), undefined, 0));
    messages.forEach((message, i) => {
      expect(message.data).to.eql(bytes(i % 40, i));
    });
  });

  it('tells the time in nanoseconds, fractions of a millisecond too', () => {
    const log = new MessageLog();
    expect(log.append(bytes(1), undefined, 1_700_000_000_123).timestamp).to.equal(1_700_000_000_123_000_000n);
    expect(log.append(bytes(1), undefined, 1_700_000_000_123.5).timestamp).to.equal(1_700_000_000_123_500_000n);
  });

  it('keeps the times in order when the clock is set back', () => {
    const log = new MessageLog();
    for (const now of [10, 5, 20]) log.append(bytes(1), undefined, now);
    expect([1, 2, 3].map((offset) => log.get(offset)!.time)).to.eql([10, 10, 20]);
  });

  it('trims by number and by size, and keeps the newest', () => {
    const log = new MessageLog({ maxMessages: 3, maxBytes: 100 });
    for (let i = 0; i < 5; i++) log.append(bytes(10), { key: bytes(5) }, 0);
    log.trim();
    expect([log.first, log.length, log.bytes]).to.eql([3, 3, 45]);
    log.append(bytes(80), undefined, 0);
    log.trim();
    expect([log.first, log.length, log.bytes]).to.eql([5, 2, 95]);
    log.append(bytes(1000), undefined, 0);
    log.trim();
    expect([log.first, log.length, log.bytes]).to.eql([7, 1, 1000]);
  });

  it('trims no further than it is told', () => {
    const log = new MessageLog({ maxMessages: 2 });
    for (let i = 0; i < 10; i++) log.append(bytes(1), undefined, 0);
    log.trim(7);
    expect(log.first).to.equal(4);
    log.trim();
    expect(log.first).to.equal(9);
  });

  it('expires by age, down to nothing, and goes on counting', () => {
    const log = new MessageLog({ maxAge: 10 });
    for (const now of [0, 5, 9]) log.append(bytes(1), undefined, now);
    log.expire(9);
    expect(log.first).to.equal(1);
    log.expire(15);
    expect(log.first).to.equal(3);
    log.expire(1000);
    expect([log.first, log.next, log.length, log.bytes]).to.eql([4, 4, 0, 0]);
    expect(log.append(bytes(1), undefined, 1000).offset).to.equal(4);
    expect(log.get(4)).to.include({ offset: 4 });
  });

  it('finds by time', () => {
    const log = new MessageLog({ maxMessages: 5 });
    for (const now of [0, 0, 10, 10, 20, 30]) log.append(bytes(1), undefined, now);
    log.trim();
    expect([-1, 0, 1, 10, 11, 20, 30, 31].map((time) => log.search(time))).to.eql([2, 2, 3, 3, 5, 5, 6, 7]);
  });

  it('frees what it removes', () => {
    const log = new MessageLog({ maxBytes: 1_000_000 });
    const collect = (): void => {
      // a second collection counts out the buffers whose memory the first one gives back in the background
      globalThis.gc!();
      globalThis.gc!();
    };
    collect();
    const before = process.memoryUsage();
    for (let i = 0; i < 100_000; i++) {
      log.append(bytes(i % 2 === 0 ? 100 : 4000), undefined, 0);
      log.trim();
    }
    collect();
    const after = process.memoryUsage();
    const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    // of the 205 MB that went through; the rest is what the collector has not got to yet
    expect(grown).to.be.below(50_000_000);
    expect(log.bytes).to.be.within(990_000, 1_000_000);
  });

  it('does as a plain array would', () => {
    const step = fc.oneof(
      fc.record({
        op: fc.constant('append' as const),
        n: fc.integer({ min: 1, max: 900 }),
        size: fc.nat(50),
        wait: fc.nat(5),
      }),
      fc.record({ op: fc.constant('expire' as const), wait: fc.nat(30) }),
    );
    const bounds = fc.record({
      maxMessages: fc.option(fc.integer({ min: 1, max: 2500 }), { nil: undefined }),
      maxBytes: fc.option(fc.integer({ min: 1, max: 50_000 }), { nil: undefined }),
      maxAge: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(bounds, fc.array(step, { maxLength: 20 }), (limits, steps) => {
        const { maxMessages = Infinity, maxBytes = Infinity, maxAge = Infinity } = limits;
        const log = new MessageLog(limits);
        let model: { offset: number; size: number; time: number }[] = [];
        let now = 0;
        let offset = 0;
        for (const todo of steps) {
          now += todo.wait;
          if (todo.op === 'append') {
            for (let i = 0; i < todo.n; i++) {
              log.append(bytes(todo.size), undefined, now);
              model.push({ offset: ++offset, size: todo.size, time: now });
            }
            log.trim();
            let sum = model.reduce((total, { size }) => total + size, 0);
            while ((model.length > maxMessages || sum > maxBytes) && model.length > 1) sum -= model.shift()!.size;
          } else {
            log.expire(now);
            model = model.filter(({ time }) => now - time < maxAge);
          }
          expect(log.length).to.equal(model.length);
          expect(log.next).to.equal(offset + 1);
          expect(log.bytes).to.equal(model.reduce((total, { size }) => total + size, 0));
          for (const { offset: at, time } of model) if (log.get(at)?.time !== time) expect.fail(`offset ${at}`);
          expect(log.search(now - 7)).to.equal(model.find(({ time }) => time >= now - 7)?.offset ?? log.next);
        }
      }),
      { numRuns: 60 },
    );
  });
});

import { expect } from 'chai';
import {
  AuthorizationError,
  BrokerTimeoutError,
  ConnectionError,
  ProtocolError,
  StreamNotFoundError,
  StreamUnavailableError,
} from '../../../lib/core/errors.js';
import { earliest, newOnly } from '../../../lib/core/starts.js';
import { settled, SourceBench, type Step } from './source-kit.js';

describe('liftbridge: a subscription that is made again', () => {
  let bench: SourceBench;

  beforeEach(() => {
    bench = new SourceBench();
    bench.log0.append('a', 'b');
  });

  /** A source that has read what there is. */
  const reading = async (options = {}) => {
    const tap = bench.read({ start: earliest(), ...options });
    await settled();
    return tap;
  };
  /** Long enough for any attempt that follows a loss. */
  const later = () => bench.clock.pass(600);

  const losses: readonly (readonly [string, () => Promise<void>])[] = [
    ['the link is lost', () => bench.lose()],
    ['the broker dies', () => bench.end(14, 'Connection dropped')],
    ['the log is closed, because the partition moves', () => bench.end(13, 'commit log was closed')],
    ['the broker ends it without an error', () => bench.end(0)],
    ['the call is cancelled on the way', () => bench.end(1, 'it cancelled the call (CANCEL)')],
    ['a deadline on the way is over', () => bench.end(4, 'stream timeout')],
    ['the call is reset on the way', () => bench.end(13, 'it reset the call (INTERNAL_ERROR)')],
    ['somebody on the way wants fewer calls', () => bench.end(8, 'bandwidth exhausted, it asks for less')],
  ];
  for (const [title, lose] of losses) {
    it(`where ${title}: goes on behind what came`, async () => {
      const tap = await reading();
      await lose();
      expect(bench.suspended.size).to.equal(1);
      bench.log0.append('c');
      await later();
      expect(tap.error).to.equal(undefined);
      expect(tap.values()).to.deep.equal(['a', 'b', 'c']);
      expect(bench.suspended.size).to.equal(0);
      expect(bench.types()).to.deep.equal([]);
      // whoever leads now is asked for
      expect(bench.forgotten).to.be.at.least(1);
    });
  }

  const refusals: readonly (readonly [string, number, string])[] = [
    ['leads the partition no more', 9, 'Server not partition leader'],
    ['is about to give it up', 13, 'commit log was closed'],
    ['has just closed it', 13, 'Failed to create stream reader: segment has been closed'],
    ['ends it at once', 0, ''],
    ['is not ready', 14, 'shutting down'],
    ['resets it', 13, 'it reset the call (INTERNAL_ERROR)'],
  ];
  for (const [title, code, message] of refusals) {
    it(`where the broker ${title} before it accepts: tries again`, async () => {
      bench.manual = true;
      const tap = await reading();
      bench.last.end(code, message);
      bench.manual = false;
      await later();
      expect(tap.error).to.equal(undefined);
      expect(tap.values()).to.deep.equal(['a', 'b']);
    });
  }

  it('asks for the leader anew after whatever was in the way', async () => {
    bench.trouble('leader', new StreamUnavailableError('it has no leader'));
    const tap = await reading();
    expect(bench.forgotten).to.equal(1);
    await later();
    expect(tap.values()).to.deep.equal(['a', 'b']);
  });

  const finals: readonly (readonly [string, number, string, new (...args: never[]) => Error])[] = [
    ['is deleted', 5, 'commit log was deleted', StreamNotFoundError],
    ['is paused', 9, 'commit log was closed', StreamUnavailableError],
    ['cannot be decrypted', 2, 'cipher: message authentication failed', StreamUnavailableError],
  ];
  for (const [title, code, message, kind] of finals) {
    it(`that ${title} ends the source with an error`, async () => {
      const tap = await reading();
      await bench.end(code, message);
      expect(tap.error).to.be.instanceOf(kind);
      expect(bench.suspended.size).to.equal(0);
      await later();
      expect(bench.clock.size).to.equal(0);
    });
  }

  it('that is not allowed ends the source with an error', async () => {
    bench.manual = true;
    const tap = await reading();
    bench.last.end(2, 'The client is not authorized to call Subscribe on resource orders');
    await settled();
    expect(tap.error).to.be.instanceOf(AuthorizationError);
  });

  it('with resume: a partition that is paused is read on', async () => {
    const tap = await reading({ resume: true });
    bench.log0.isPaused = true;
    await bench.end(9, 'commit log was closed');
    await later();
    await bench.append('c');
    expect(tap.values()).to.deep.equal(['a', 'b', 'c']);
    expect(bench.last.asked.resume).to.equal(true);
  });

  it('that the broker does not accept in time is tried again', async () => {
    bench.manual = true;
    const tap = await reading();
    await bench.clock.pass(9_999);
    expect(bench.last.cancelled).to.equal(false);
    bench.manual = false;
    await bench.clock.pass(100);
    expect(bench.calls[0]!.cancelled).to.equal(true);
    // a connection that could never be made is held to connectTimeout
    expect(tap.error).to.equal(undefined);
    expect(tap.values()).to.deep.equal(['a', 'b']);
  });

  it('that was accepted and ended in the same turn counts as lost', async () => {
    bench.manual = true;
    await reading();
    bench.last.accept();
    bench.last.end(14, 'gone', new ConnectionError('gone'));
    await settled();
    expect(bench.suspended.size).to.equal(1);
    bench.manual = false;
    await later();
    expect(bench.suspended.size).to.equal(0);
  });

  describe('to a stream that is not there', () => {
    it('waits a second for it at first', async () => {
      bench.exists = false;
      const tap = await reading({ partition: 0 });
      await bench.clock.pass(900);
      expect(tap.error).to.equal(undefined);
      await bench.clock.pass(300);
      expect(tap.error).to.be.instanceOf(StreamNotFoundError);
      expect(bench.clock.size).to.equal(0);
    });

    it('waits ten later on', async () => {
      const tap = await reading();
      bench.exists = false;
      await bench.lose();
      await bench.clock.pass(9_000);
      expect(tap.error).to.equal(undefined);
      bench.exists = true;
      await bench.append('c');
      await later();
      expect(tap.values()).to.deep.equal(['a', 'b', 'c']);
    });

    it('counts from when it was not there last, whatever was in between', async () => {
      const tap = await reading();
      bench.exists = false;
      await bench.lose();
      await bench.clock.pass(600);
      const open = bench.hold('tail');
      bench.trouble('tail', new BrokerTimeoutError('no answer'));
      await bench.clock.pass(20_000);
      await open();
      await bench.clock.pass(100);
      expect(tap.error).to.equal(undefined);
      await bench.clock.pass(12_000);
      expect(tap.error).to.be.instanceOf(StreamNotFoundError);
    });
  });

  describe('and unsubscribed', () => {
    const steps: readonly Step[] = ['stream', 'fetch', 'tail', 'leader'];
    for (const step of steps) {
      it(`while it waits for '${step}': nothing is left and nothing is asked any more`, async () => {
        const open = bench.hold(step);
        const tap = await reading({ durable: 'd' });
        expect(bench.asked.at(-1)).to.equal(step);
        const asked = bench.asked.length;
        tap.unsubscribe();
        await open();
        await later();
        expect(bench.asked.length).to.equal(asked);
        expect(bench.open).to.deep.equal([]);
        expect(bench.clock.size).to.equal(0);
        expect(bench.live.size + bench.ending.size).to.equal(0);
      });
    }

    it('before the broker has accepted it: the call is cancelled', async () => {
      bench.manual = true;
      const tap = await reading();
      tap.unsubscribe();
      expect(bench.last.cancelled).to.equal(true);
      await settled();
      expect(bench.clock.size).to.equal(0);
    });

    it('while it waits to try again: no call is made', async () => {
      const tap = await reading({ start: newOnly() });
      await bench.lose();
      const { length } = bench.calls;
      tap.unsubscribe();
      await later();
      expect(bench.calls.length).to.equal(length);
      expect(bench.suspended.size).to.equal(0);
      expect(bench.clock.size).to.equal(0);
    });

    it('while a place in time is searched: the look is cancelled', async () => {
      bench.manual = true;
      const tap = bench.read({ start: { kind: 'fromTime', time: 5 } });
      await settled();
      tap.unsubscribe();
      await settled();
      expect(bench.last.cancelled).to.equal(true);
      expect(bench.calls).to.have.length(1);
      expect(bench.clock.size).to.equal(0);
    });
  });

  describe('with a message that cannot be read', () => {
    it('is made again, and ends with an error when it is still so', async () => {
      bench.log0.malformed.add(1);
      const tap = await reading();
      expect(tap.values()).to.deep.equal(['a']);
      expect(bench.types()).to.deep.equal(['protocol']);
      await later();
      expect(tap.error).to.be.instanceOf(ProtocolError);
      expect(bench.types()).to.deep.equal(['protocol', 'protocol', 'protocol']);
      expect(bench.suspended.size, 'nobody waits for a connection').to.equal(0);
      tap.ackAll();
      await settled();
      expect(bench.clock.size).to.equal(0);
    });

    it('goes on where it could be read the second time', async () => {
      bench.log0.malformed.add(1);
      const tap = await reading();
      bench.log0.malformed.clear();
      await later();
      expect(tap.values()).to.deep.equal(['a', 'b']);
      expect(bench.suspended.size).to.equal(0);
    });
  });
});

import { expect } from 'chai';
import { Observable, mergeMap, take, type Subscription } from 'rxjs';
import type { Decoder } from '../../lib/core/codec.js';
import { DecodeError } from '../../lib/core/errors.js';
import { LogIntake } from '../../lib/core/log-intake.js';
import { untilOffset, untilTime } from '../../lib/core/starts.js';
import { Track } from '../../lib/core/track.js';
import { Handed, HandClock, LogBench } from './log-intake-kit.js';

/** Reads everything but 'bad'. */
const picky: Decoder<string> = {
  decode(bytes) {
    const value = new TextDecoder().decode(bytes);
    if (value === 'bad') throw new Error('cannot read that');
    return value;
  },
};

describe('LogIntake', () => {
  describe('the window', () => {
    it('takes from the source what it has room for, and more as places come free', () => {
      const bench = new LogBench({ maxInFlight: 2 });
      bench.arrive(1, 2, 3, 4, 5);
      expect(bench.take()).to.equal('next 1 next 2');
      expect(bench.intake.unsettled).to.equal(2);
      bench.last(2).ack();
      expect(bench.take()).to.equal('settled 2 next 3');
      expect(bench.track.position).to.equal(0);
      bench.last(1).ack();
      expect(bench.take()).to.equal('settled 1 next 4');
      expect(bench.track.position).to.equal(2);
    });

    it('frees one place, however often and in whatever way it is settled', () => {
      const bench = new LogBench({ maxInFlight: 1 });
      bench.arrive(1, 2, 3);
      const one = bench.last(1);
      one.ack();
      one.ack();
      one.release();
      expect(bench.take()).to.equal('next 1 settled 1 next 2');
      expect(bench.intake.unsettled).to.equal(1);
    });

    it('shares its places among tracks', () => {
      const bench = new LogBench({ maxInFlight: 3 }, [new Track(), new Track()]);
      const [a, b] = bench.backlogs;
      a!.waiting.push(new Handed(1), new Handed(2));
      b!.waiting.push(new Handed(1), new Handed(2));
      bench.intake.advance();
      expect(bench.take()).to.equal('next 1 next 2 next 1');
      bench.emitted[0]!.ack();
      expect(bench.take()).to.equal('settled 1 next 2');
      expect(a!.track.position).to.equal(1);
      expect(b!.track.position).to.equal(0);
    });

    it('twenty thousand messages that are settled within next take no stack', () => {
      const bench = new LogBench({ maxInFlight: 1 });
      bench.then = (delivery) => {
        delivery.ack();
      };
      for (let n = 0; n < 20_000; n++) bench.backlogs[0]!.waiting.push(new Handed(n));
      bench.intake.advance();
      expect(bench.emitted).to.have.length(20_000);
      expect(bench.track.position).to.equal(19_999);
      expect(bench.highest).to.equal(1);
    });

    it('goes on with what arrives within next', () => {
      const bench = new LogBench({ maxInFlight: 2 });
      bench.then = (delivery) => {
        if (Number(delivery.offsetKey) < 5) bench.arrive(Number(delivery.offsetKey) + 1);
        delivery.ack();
      };
      bench.arrive(1);
      expect(bench.emitted.map(({ offsetKey }) => offsetKey)).to.deep.equal([1, 2, 3, 4, 5]);
      expect(bench.intake.unsettled).to.equal(0);
    });
  });

  describe('a release', () => {
    it('brings the delivery again as another one, at its place in the log', () => {
      const bench = new LogBench();
      bench.arrive(1, 2);
      const one = bench.last(1);
      one.release();
      bench.last(2).ack();
      expect(bench.track.position).to.equal(0);
      bench.clock.pass(0);
      expect(bench.take()).to.equal('next 1 next 2 settled 2 next 1r');
      expect(bench.last(1)).not.to.equal(one);
      one.ack();
      expect(one.settled).to.equal(false);
      expect(bench.track.position).to.equal(0);
      bench.last(1).ack();
      expect(bench.track.position).to.equal(2);
    });

    it('takes a place from what is to come, so that no more are out than fit', () => {
      const bench = new LogBench({ maxInFlight: 2 });
      bench.arrive(1, 2, 3, 4);
      bench.last(1).release();
      bench.last(2).release();
      expect(bench.intake.unsettled).to.equal(0);
      expect(bench.take()).to.equal('next 1 next 2');
      bench.clock.pass(0);
      expect(bench.take()).to.equal('next 1r next 2r');
      bench.last(2).ack();
      expect(bench.take()).to.equal('settled 2 next 3');
    });

    it('within next does not call next within itself', () => {
      const bench = new LogBench({ maxInFlight: 1 });
      let depth = 0;
      bench.then = (delivery) => {
        expect(++depth).to.equal(1);
        if (delivery.redeliveries < 3) delivery.release();
        else delivery.ack();
        depth--;
      };
      bench.arrive(1, 2);
      bench.clock.pass(10_000);
      expect(bench.take()).to.equal(
        'next 1 next 1r next 1r next 1r settled 1 next 2 next 2r next 2r next 2r settled 2',
      );
    });

    it('again and again makes the pauses longer, up to a second', () => {
      const bench = new LogBench({ maxInFlight: 1 });
      const times: number[] = [];
      bench.then = (delivery) => {
        times.push(bench.clock.now());
        if (times.length < 14) delivery.release();
      };
      bench.arrive(1);
      bench.clock.pass(60_000);
      const pauses = times.slice(1).map((time, n) => time - times[n]!);
      expect(pauses).to.deep.equal([0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000, 1_000, 1_000]);
    });

    it('of everything in the window, many times, loses nothing and leaves no timer', () => {
      const bench = new LogBench({ maxInFlight: 3 });
      bench.then = (delivery) => {
        if (delivery.redeliveries < 4) delivery.release();
        else delivery.ack();
      };
      bench.arrive(...Array.from({ length: 20 }, (_, n) => n));
      bench.clock.pass(60_000);
      expect(bench.emitted).to.have.length(100);
      expect(bench.track.position).to.equal(19);
      expect(bench.clock.running).to.equal(0);
      expect(bench.highest).to.be.at.most(3);
    });
  });

  describe('ackWait', () => {
    it('brings copies of what is unsettled, which share its place', () => {
      const bench = new LogBench({ maxInFlight: 2, ackWait: 100 });
      bench.arrive(1, 2, 3);
      bench.clock.pass(40);
      bench.last(2).ack();
      bench.clock.pass(59);
      expect(bench.take()).to.equal('next 1 next 2 settled 2 next 3');
      bench.clock.pass(1);
      expect(bench.take()).to.equal('next 1r');
      bench.clock.pass(40);
      expect(bench.take()).to.equal('next 3r');
      expect(bench.intake.unsettled).to.equal(2);
      const [first, , , copy] = bench.emitted;
      copy!.ack();
      expect(first!.settled).to.equal(true);
      first!.ack();
      expect(bench.take()).to.equal('settled 1');
      expect(bench.track.position).to.equal(2);
    });

    it('counts how often it came', () => {
      const bench = new LogBench({ ackWait: 100 });
      bench.arrive(1);
      bench.clock.pass(300);
      bench.last(1).release();
      bench.clock.pass(100);
      expect(bench.emitted.map(({ redeliveries }) => redeliveries)).to.deep.equal([0, 1, 2, 3, 4, 5]);
    });

    it('begins anew for a delivery that was released and came again', () => {
      const bench = new LogBench({ ackWait: 100 });
      bench.arrive(1);
      bench.clock.pass(90);
      bench.last(1).release();
      bench.clock.pass(99);
      expect(bench.take()).to.equal('next 1 next 1r');
      bench.clock.pass(1);
      expect(bench.take()).to.equal('next 1r');
    });

    it('settles within next what is overdue as well, so that it does not come', () => {
      const bench = new LogBench({ ackWait: 100 });
      bench.arrive(1, 2, 3);
      bench.then = () => {
        for (const each of bench.emitted) each.ack();
      };
      bench.clock.pass(1_000);
      expect(bench.take()).to.equal('next 1 next 2 next 3 next 1r settled 1 settled 2 settled 3');
    });

    it('is over with the subscription, also within next', () => {
      const bench = new LogBench({ ackWait: 100 });
      bench.arrive(1, 2);
      bench.then = () => {
        bench.intake.stop();
      };
      bench.clock.pass(1_000);
      expect(bench.take()).to.equal('next 1 next 2 next 1r');
      expect(bench.clock.running).to.equal(0);
    });

    it('leaves no timer when everything is settled', () => {
      const bench = new LogBench({ ackWait: 100 });
      bench.arrive(1, 2);
      for (const each of bench.emitted) each.ack();
      bench.clock.pass(100);
      expect(bench.clock.running).to.equal(0);
      bench.arrive(3);
      bench.clock.pass(100);
      expect(bench.take()).to.equal('next 1 next 2 settled 1 settled 2 next 3 next 3r');
    });

    it('does not bring what belongs to a track that was taken away', () => {
      const bench = new LogBench({ ackWait: 100 }, [new Track(), new Track()]);
      bench.backlogs[0]!.waiting.push(new Handed(1));
      bench.backlogs[1]!.waiting.push(new Handed(2));
      bench.intake.advance();
      bench.intake.drop(bench.track);
      bench.clock.pass(100);
      expect(bench.take()).to.equal('next 1 next 2 next 2r');
    });
  });

  describe('a track that is taken away', () => {
    it('keeps the places of what is out until it is settled, and brings nothing again', () => {
      const bench = new LogBench({ maxInFlight: 3 }, [new Track(), new Track()]);
      const [gone, other] = bench.backlogs;
      gone!.waiting.push(new Handed(1), new Handed(2));
      bench.intake.advance();
      bench.last(1).release();
      bench.intake.drop(gone!.track);
      other!.waiting.push(new Handed(11), new Handed(12), new Handed(13));
      bench.intake.advance();
      expect(bench.take()).to.equal('next 1 next 2 next 11');
      bench.clock.pass(10);
      expect(bench.take()).to.equal('next 12');
      bench.last(2).release();
      bench.clock.pass(10);
      expect(bench.take()).to.equal('next 13');
      expect(bench.intake.unsettled).to.equal(3);
    });

    it('does not bring what was due and waited for a place', () => {
      const bench = new LogBench({ maxInFlight: 1 }, [new Track(), new Track()]);
      const [gone, other] = bench.backlogs;
      gone!.waiting.push(new Handed(1));
      bench.intake.advance();
      bench.last(1).release();
      other!.waiting.push(new Handed(11));
      bench.clock.pass(0);
      bench.intake.drop(gone!.track);
      bench.last(1).ack();
      expect(bench.take()).to.equal('next 1 next 1r settled 1 next 11');
    });
  });

  describe('the end', () => {
    it('completes after the offset that was asked for, which is emitted', () => {
      const bench = new LogBench({ maxInFlight: 10 });
      bench.track.until = untilOffset(2);
      bench.arrive(1, 2, 3);
      expect(bench.take()).to.equal('next 1 next 2 reached complete');
      bench.last(2).ack();
      bench.last(1).ack();
      expect(bench.take()).to.equal('settled 2 settled 1 idle');
      expect(bench.track.position).to.equal(2);
    });

    it('completes at what lies beyond, which is not emitted and not passed over', () => {
      const bench = new LogBench({ maxInFlight: 10 });
      bench.track.until = untilOffset(2);
      bench.arrive(1, 5);
      bench.last(1).ack();
      expect(bench.take()).to.equal('next 1 reached complete settled 1 idle');
      expect(bench.track.position).to.equal(1);
    });

    it('is told by the time as well, to the millisecond', () => {
      const bench = new LogBench({ maxInFlight: 10 });
      bench.track.until = untilTime(3);
      bench.arrive(2, 3, 4);
      expect(bench.take()).to.equal('next 2 next 3 reached complete');
    });

    it('comes when all tracks have reached theirs', () => {
      const bench = new LogBench({ maxInFlight: 10 }, [new Track(), new Track()]);
      const [a, b] = bench.backlogs;
      a!.track.until = untilOffset(1);
      b!.track.until = untilOffset(2);
      a!.waiting.push(new Handed(1), new Handed(2));
      b!.waiting.push(new Handed(1));
      bench.intake.advance();
      expect(bench.take()).to.equal('next 1 reached next 1');
      b!.waiting.push(new Handed(2));
      bench.intake.advance();
      expect(bench.take()).to.equal('next 2 reached complete');
    });

    it('of a track is told once', () => {
      const bench = new LogBench();
      bench.intake.end(bench.track);
      bench.intake.end(bench.track);
      expect(bench.take()).to.equal('reached complete idle');
    });
  });

  describe('stop', () => {
    it('emits nothing more, lets the rest be settled, and says once that it is idle', () => {
      const bench = new LogBench({ maxInFlight: 2 });
      bench.arrive(1, 2, 3);
      bench.intake.stop();
      bench.intake.stop();
      bench.last(2).ack();
      expect(bench.take()).to.equal('next 1 next 2 settled 2');
      bench.last(1).ack();
      expect(bench.take()).to.equal('settled 1 idle');
      bench.intake.advance();
      bench.intake.stop();
      expect(bench.take()).to.equal('');
      expect(bench.track.position).to.equal(2);
    });

    it('is idle at once with nothing out', () => {
      const bench = new LogBench();
      bench.intake.stop();
      expect(bench.take()).to.equal('idle');
      bench.arrive(1);
      expect(bench.take()).to.equal('');
    });

    it('within next is idle when the emission is over and settled', () => {
      const bench = new LogBench({ maxInFlight: 2 });
      bench.then = (delivery) => {
        bench.intake.stop();
        delivery.ack();
      };
      bench.arrive(1, 2);
      expect(bench.take()).to.equal('next 1 settled 1 idle');
    });

    it('takes what is released afterwards as given up, and keeps the position before it', () => {
      const bench = new LogBench();
      bench.arrive(1, 2);
      bench.intake.stop();
      bench.last(1).release();
      bench.last(2).ack();
      bench.clock.pass(10_000);
      expect(bench.take()).to.equal('next 1 next 2 settled 2 idle');
      expect(bench.track.position).to.equal(0);
      expect(bench.track.progress()).to.deep.equal({ last: 2, unsettled: new Set([1]) });
    });

    it('ends the pauses of what was released before', () => {
      const bench = new LogBench();
      bench.arrive(1);
      bench.last(1).release();
      bench.intake.stop();
      expect(bench.take()).to.equal('next 1 idle');
      expect(bench.clock.running).to.equal(0);
      expect(bench.track.position).to.equal(0);
    });
  });

  describe('a message that the codec cannot read', () => {
    const hand = (bench: LogBench): void => {
      bench.hand(new Handed(1), new Handed(2, 'bad'), new Handed(3));
    };

    it('is an error by default, is not settled, and nothing comes after it', () => {
      const bench = new LogBench({ codec: picky });
      hand(bench);
      bench.last(1).ack();
      expect(bench.take()).to.equal('next 1 error settled 1 idle');
      expect(bench.failure).to.be.instanceOf(DecodeError).with.property('message').that.includes('offset 2');
      expect(bench.track.position).to.equal(1);
    });

    it("is settled unseen with 'skip'", () => {
      const bench = new LogBench({ codec: picky, onDecodeError: 'skip', maxInFlight: 1 });
      bench.then = (delivery) => {
        delivery.ack();
      };
      hand(bench);
      expect(bench.take()).to.equal('next 1 settled 1 settled 2 next 3 settled 3');
      expect(bench.track.position).to.equal(3);
    });

    it('is given to a function, raw, and settled when that is done', async () => {
      const seen: string[] = [];
      const bench = new LogBench({
        codec: picky,
        ackWait: 10,
        onDecodeError: async (delivery) => {
          seen.push(new TextDecoder().decode(delivery.value));
          await Promise.resolve();
        },
      });
      hand(bench);
      expect(bench.take()).to.equal('next 1 next 3');
      // a copy of it would be of no use to anybody
      bench.clock.pass(10);
      expect(bench.take()).to.equal('next 1r next 3r');
      await new Promise((resolve) => setImmediate(resolve));
      expect(seen).to.deep.equal(['bad']);
      expect(bench.take()).to.equal('settled 2');
    });

    it('is an error where that function fails', async () => {
      const bench = new LogBench({ codec: picky, onDecodeError: () => Promise.reject(new Error('no room')) });
      hand(bench);
      await new Promise((resolve) => setImmediate(resolve));
      expect(bench.take()).to.equal('next 1 next 3 error');
      expect(bench.failure).to.be.instanceOf(DecodeError).with.property('message').that.includes('no room');
      expect(bench.track.position).to.equal(0);
      for (const each of bench.emitted) each.ack();
      expect(bench.track.position).to.equal(1);
      expect(bench.take()).to.equal('settled 1 settled 3 idle');
    });
  });

  describe('in an Observable', () => {
    /** A source that has everything at hand when it is subscribed, as a memory would. */
    function synchronous(count: number, idle: () => void): { source: Observable<Handed>; track: Track } {
      const track = new Track();
      const source = new Observable<Handed>((subscriber) => {
        let offset = 0;
        const intake: LogIntake = new LogIntake(
          { maxInFlight: 2 },
          subscriber as never,
          {
            settled: () => undefined,
            reached: () => undefined,
            idle,
            pull: () => {
              while (intake.room && offset < count) intake.admit(track, new Handed(offset++));
            },
          },
          new HandClock(),
        );
        subscriber.add(() => {
          intake.stop();
        });
        intake.advance();
      });
      return { source, track };
    }

    it('take(n) with an ack gets n, and it is idle then', () => {
      let idled = 0;
      const { source, track } = synchronous(10, () => idled++);
      const seen: unknown[] = [];
      source.pipe(take(3)).subscribe((delivery) => {
        seen.push(delivery.offsetKey);
        delivery.ack();
      });
      expect(seen).to.deep.equal([0, 1, 2]);
      expect(track.position).to.equal(2);
      expect(idled).to.equal(1);
    });

    it('unsubscribing within next, acking later, moves the position', () => {
      let idled = 0;
      const { source, track } = synchronous(10, () => idled++);
      const held: Handed[] = [];
      const subscription: { current?: Subscription } = {};
      subscription.current = source
        .pipe(
          mergeMap((delivery) => {
            held.push(delivery);
            return [];
          }),
        )
        .subscribe();
      expect(held.map(({ offsetKey }) => offsetKey)).to.deep.equal([0, 1]);
      held[1]!.ack();
      expect(held).to.have.length(3);
      subscription.current.unsubscribe();
      held[0]!.ack();
      expect(idled).to.equal(0);
      held[2]!.ack();
      expect(idled).to.equal(1);
      expect(track.position).to.equal(2);
    });
  });
});

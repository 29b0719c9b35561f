import { expect } from 'chai';
import { inspect } from 'node:util';
import { config } from 'rxjs';
import { ClosedError, ConnectionError, PublishError } from '../../lib/core/errors.js';
import type { PublisherSettings } from '../../lib/core/publisher.js';
import { PublishSink } from '../../lib/core/sink.js';
import { PublisherBench, turn } from './publisher-kit.js';

/** A sink over a port by hand. */
class SinkBench {
  readonly bench: PublisherBench;
  readonly sink: PublishSink<unknown>;
  readonly log: string[] = [];

  /** @param observed - whether somebody listens to the receipts */
  constructor(settings: Partial<PublisherSettings> = {}, observed = true) {
    this.bench = new PublisherBench(settings);
    this.sink = new PublishSink<unknown>(this.bench.publisher, this.bench.maker, () => this.log.push('end'));
    if (!observed) return;
    this.sink.receipts.subscribe({
      next: ({ value, error }) => this.log.push(`${String(value)} ${error?.code ?? 'ok'}`),
      error: (error: unknown) => this.log.push(`error ${String(error)}`),
      complete: () => this.log.push('complete'),
    });
  }

  get port() {
    return this.bench.port;
  }
}

describe('PublishSink', () => {
  it('shows how it stands to inspect and JSON, and nothing of what is behind it', () => {
    const { sink, port } = new SinkBench();
    sink.next(1);
    expect(inspect(sink, { depth: null })).to.equal("{ broker: 'memory', channel: 'c', pending: 1, ended: false }");
    expect(JSON.stringify(sink)).to.equal('{"broker":"memory","channel":"c","pending":1,"ended":false}');
    port.confirmAll();
  });

  it('emits each value that it accepted, as an Observable', () => {
    const { sink, port } = new SinkBench({ maxInFlight: 1, buffer: 1 });
    const values: unknown[] = [];
    sink.subscribe((value) => values.push(value));
    for (const value of [1, 2, 3, 'unencodable']) sink.next(value);
    expect(values).to.deep.equal([1, 2]);
    port.confirmAll();
  });

  it('receipts come in the order of confirmation', () => {
    const { sink, port, log } = new SinkBench({ maxInFlight: 3 });
    for (const value of [1, 2, 3]) sink.next(value);
    port.confirm(3);
    port.refuse(1, new PublishError('no'));
    port.confirm(2);
    expect(log).to.deep.equal(['3 ok', '1 PUBLISH', '2 ok']);
  });

  describe('pending', () => {
    it('replays the count, and tells at most one a turn', async () => {
      const { sink, port } = new SinkBench({ maxInFlight: 10 });
      const counts: number[] = [];
      sink.pending.subscribe((count) => counts.push(count));
      for (const value of [1, 2, 3]) sink.next(value);
      await turn();
      expect(counts).to.deep.equal([0, 3]);
      port.confirm();
      port.confirm();
      await turn();
      expect(counts).to.deep.equal([0, 3, 1]);
      sink.next(4);
      port.confirm();
      await turn();
      expect(counts).to.deep.equal([0, 3, 1]);
      const late: number[] = [];
      sink.pending.subscribe((count) => late.push(count));
      expect(late).to.deep.equal([1]);
    });

    it('ends at 0', async () => {
      const { sink, port } = new SinkBench();
      const counts: (number | string)[] = [];
      sink.pending.subscribe({ next: (count) => counts.push(count), complete: () => counts.push('complete') });
      sink.next(1);
      await turn();
      sink.complete();
      port.confirm();
      await turn();
      expect(counts).to.deep.equal([0, 1, 0, 'complete']);
    });
  });

  describe('the end', () => {
    it('complete() flushes what was accepted, then completes receipts', () => {
      const { sink, port, log } = new SinkBench({ maxInFlight: 1, buffer: 5 });
      sink.next(1);
      sink.next(2);
      sink.complete();
      sink.next(3);
      sink.complete();
      port.confirm();
      expect(log).to.deep.equal(['1 ok']);
      port.confirm();
      expect(log).to.deep.equal(['1 ok', '2 ok', 'complete', 'end']);
    });

    it('error(e) flushes, then receipts errors with e', () => {
      const { sink, port, log } = new SinkBench();
      sink.subscribe({ error: (error: unknown) => log.push(`sink ${String(error)}`) });
      sink.next(1);
      sink.error('e');
      port.confirm();
      expect(log).to.deep.equal(['sink e', '1 ok', 'error e', 'end']);
    });

    it('a sink that was never used ends at once', () => {
      const { sink, log } = new SinkBench();
      sink.complete();
      expect(log).to.deep.equal(['complete', 'end']);
    });

    it('waits for those who wait to send', async () => {
      const { sink, port, log } = new SinkBench({ maxInFlight: 1, buffer: 0 });
      const sent = [1, 2, 3].map((value) => sink.send(value));
      sink.complete();
      port.confirmAll();
      expect((await Promise.all(sent)).map(({ ok }) => ok)).to.deep.equal([true, true, true]);
      expect(log).to.deep.equal(['1 ok', '2 ok', '3 ok', 'complete', 'end']);
    });

    it('send after it resolves with a ClosedError', async () => {
      const { sink } = new SinkBench();
      sink.complete();
      const receipt = await sink.send(1);
      expect(receipt.ok).to.equal(false);
      expect(receipt.error).to.be.instanceOf(ClosedError);
    });
  });

  describe('send and ready', () => {
    it('send waits while the window is full, in order', async () => {
      const { sink, port, log } = new SinkBench({ maxInFlight: 2, buffer: 0 });
      const sent = [1, 2, 3, 4].map((value) => sink.send(value));
      await turn();
      expect(port.open).to.deep.equal([1, 2]);
      port.confirm(2);
      await turn();
      expect(port.open).to.deep.equal([1, 3]);
      port.confirmAll();
      await Promise.all(sent);
      expect(log).to.deep.equal(['2 ok', '1 ok', '3 ok', '4 ok']);
    });

    it('send resolves with a failed receipt, and nobody needs to observe receipts', async () => {
      const { sink, port } = new SinkBench({ maxInFlight: 1 }, false);
      const [first, second] = [sink.send(1), sink.send('unencodable')];
      port.refuse(1, new PublishError('no'));
      expect((await first).error).to.be.instanceOf(PublishError);
      expect((await second).error).to.be.instanceOf(PublishError);
    });

    it('a place that one who waited could not use goes to the next', async () => {
      const { sink, port } = new SinkBench({ maxInFlight: 1, buffer: 0 });
      port.unsendable.add('unsendable');
      const sent = [1, 'unencodable', 'unsendable', 2].map((value) => sink.send(value));
      port.confirm(1);
      await turn();
      expect(port.open).to.deep.equal([2]);
      port.confirm(2);
      expect((await Promise.all(sent)).map(({ ok }) => ok)).to.deep.equal([true, false, false, true]);
    });

    it('ready resolves at once while there is room', async () => {
      const { sink } = new SinkBench({ maxInFlight: 1 });
      await sink.ready();
      await sink.ready();
    });

    it('ready lets one in per place', async () => {
      const { sink, port, log } = new SinkBench({ maxInFlight: 2, buffer: 0 });
      const work = Promise.all(
        Array.from({ length: 50 }, async (_, n) => {
          if (n >= 2) await sink.ready();
          sink.next(n);
        }),
      );
      while (log.length < 50) {
        await turn();
        port.confirm();
      }
      await work;
      expect(log.every((line) => line.endsWith('ok'))).to.equal(true);
    });

    it('ready resolves for the next where the one before did not use its place', async () => {
      const { sink, port } = new SinkBench({ maxInFlight: 1, buffer: 0 });
      sink.next(1);
      const ready = [sink.ready(), sink.ready(), sink.ready()];
      port.confirm(1);
      await Promise.all(ready);
    });

    it('nobody waits for a connection that cannot be had, or a handle that is closed', async () => {
      const { sink, port, bench } = new SinkBench({ maxInFlight: 1, buffer: 0 });
      port.writable = false;
      const sent = [1, 2].map((value) => sink.send(value));
      const ready = sink.ready();
      bench.publisher.failQueued(new ConnectionError('no'));
      expect((await sent[0]!).error).to.be.instanceOf(ConnectionError);
      bench.publisher.stop(new ClosedError('over'));
      expect((await sent[1]!).error).to.be.instanceOf(ClosedError);
      await ready;
      await sink.ready();
      expect((await sink.send(3)).error).to.be.instanceOf(ClosedError);
    });
  });

  describe('failures that nobody observes', () => {
    let reported: unknown[];

    beforeEach(() => {
      reported = [];
      config.onUnhandledError = (error: unknown) => {
        reported.push(error);
      };
    });

    afterEach(() => {
      config.onUnhandledError = null;
    });

    // the report is made by a timer of 0 ms, which a later one of 1 ms outlasts
    const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

    it('are reported as RxJS reports unhandled errors', async () => {
      const { sink, port } = new SinkBench({ maxInFlight: 1, buffer: 0 }, false);
      const refused = new PublishError('no');
      sink.next(1);
      sink.next(2);
      sink.next('unencodable');
      port.refuse(1, refused);
      expect(reported).to.deep.equal([]);
      await settle();
      const codes = reported.map((error) => (error as PublishError).code);
      expect(codes).to.deep.equal(['OVERFLOW', 'PUBLISH', 'PUBLISH']);
      expect(reported).to.include(refused);
    });

    it('are not reported where receipts are observed', async () => {
      const { sink, port } = new SinkBench();
      sink.next(1);
      port.refuse(1, new PublishError('no'));
      await settle();
      expect(reported).to.deep.equal([]);
    });

    it('are not reported where values are dropped by choice', async () => {
      for (const overflow of ['drop-newest', 'drop-oldest'] as const) {
        const { sink } = new SinkBench({ maxInFlight: 1, buffer: 1, overflow }, false);
        for (const value of [1, 2, 3, 4]) sink.next(value);
      }
      await settle();
      expect(reported).to.deep.equal([]);
    });
  });
});

import { expect } from 'chai';
import {
  AuthorizationError,
  ConnectionError,
  StreamNotFoundError,
  StreamUnavailableError,
} from '../../../lib/core/errors.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { settled, SinkBench, type BenchSink } from './sink-kit.js';

describe('A RabbitMQ stream that cannot be reached', () => {
  let bench: SinkBench;

  beforeEach(() => {
    bench = new SinkBench();
  });

  /** A sink with one confirmed message, one that was sent and not confirmed, one that was gathered, and one that waits. */
  async function caught(options: Parameters<SinkBench['live']>[0] = {}): Promise<BenchSink> {
    const sink = await bench.live({ maxInFlight: 2, ...options });
    sink.offer('confirmed', 'sent');
    await settled();
    bench.connection.confirm(1n);
    sink.offer('gathered', 'queued');
    return sink;
  }

  it('leaves what was sent uncertain, and publishes what was not sent', async () => {
    const sink = await caught();
    bench.connection.drop();
    expect(sink.told).to.deep.equal(['confirmed ok', 'sent PUBLISH_UNCERTAIN']);
    expect(sink.receipts[1]!.error!.cause).to.be.instanceOf(ConnectionError);
    expect(sink.receipts[1]!.id).to.equal(2n);
    expect(bench.broker.suspendees.size).to.equal(1);
    await settled();
    expect(bench.broker.connections, 'it waits before it tries again').to.have.length(1);

    bench.broker.confirms = true;
    await bench.broker.retry();
    expect(bench.broker.suspendees.size).to.equal(0);
    expect(bench.connection.bodies).to.deep.equal(['gathered', 'queued']);
    expect(sink.told.slice(2)).to.deep.equal(['gathered ok', 'queued ok']);
  });

  it('sends again what was not confirmed where duplicates are accepted, before the rest', async () => {
    const sink = await caught({ resend: true });
    bench.connection.drop();
    expect(sink.told).to.deep.equal(['confirmed ok']);
    bench.broker.confirms = true;
    await bench.broker.retry();
    expect(bench.connection.bodies).to.deep.equal(['sent', 'gathered', 'queued']);
    expect(sink.told.slice(1)).to.deep.equal(['sent ok', 'gathered ok', 'queued ok']);
    expect(bench.broker.stream('s').bodies).to.deep.equal(['confirmed', 'sent', 'sent', 'gathered', 'queued']);
  });

  it('keeps the ids that the user gave when it sends again', async () => {
    const sink = await bench.live({ resend: true });
    sink.give('a', { id: 5n });
    sink.give('b', { id: 9n });
    await settled();
    bench.connection.drop();
    await bench.broker.retry();
    sink.give('c', { id: 10n });
    await settled();
    expect(bench.connection.ids).to.deep.equal([5n, 9n, 10n]);
  });

  it('is lost again while it sends again, and again, and loses nothing', async () => {
    const sink = await caught({ resend: true });
    for (let times = 0; times < 3; times++) {
      bench.connection.drop();
      await bench.broker.retry();
      expect(bench.connection.bodies).to.deep.equal(['sent', 'gathered']);
    }
    bench.connection.confirm(...bench.connection.ids);
    expect(sink.told).to.deep.equal(['confirmed ok', 'sent ok', 'gathered ok']);
  });

  it('does not count the time without a link as time without a confirmation', async () => {
    const sink = await caught({ resend: true, confirmTimeout: 100 });
    bench.connection.drop();
    bench.clock.pass(1000);
    await bench.broker.retry();
    bench.clock.pass(99);
    expect(sink.told).to.deep.equal(['confirmed ok']);
    bench.clock.pass(1);
    expect(sink.told).to.deep.equal(['confirmed ok', 'sent PUBLISH_UNCERTAIN', 'gathered PUBLISH_UNCERTAIN']);
  });

  it('fails with StreamNotFoundError what is pending when the stream was deleted, and tries anew', async () => {
    const sink = await caught({ resend: true });
    bench.broker.streams.delete('s');
    bench.connection.link.events.metadataUpdate('s', 6);
    await bench.broker.retry();
    expect(sink.told).to.deep.equal([
      'confirmed ok',
      'sent STREAM_NOT_FOUND',
      'gathered STREAM_NOT_FOUND',
      'queued STREAM_NOT_FOUND',
    ]);
    expect(bench.broker.suspendees.size).to.equal(0);

    sink.offer('still not there');
    await settled();
    expect(sink.told.at(-1)).to.equal('still not there STREAM_NOT_FOUND');

    bench.broker.stream('s');
    bench.broker.confirms = true;
    sink.offer('there again');
    await settled();
    expect(sink.told.at(-1)).to.equal('there again ok');
  });

  it('goes on at the new leader when the stream has moved', async () => {
    const sink = await caught();
    bench.connection.link.events.metadataUpdate('s', 6);
    expect(sink.receipts[1]!.error!.cause).to.be.instanceOf(StreamUnavailableError);
    const declared = bench.connection.requests.filter((key) => key === keys.declarePublisher).length;
    bench.broker.confirms = true;
    await bench.broker.retry();
    expect(bench.connection.requests.filter((key) => key === keys.declarePublisher)).to.have.length(declared + 1);
    expect(sink.told).to.deep.equal(['confirmed ok', 'sent PUBLISH_UNCERTAIN', 'gathered ok', 'queued ok']);
    expect(bench.connection.requests, 'there is nothing to clean up').to.not.include(keys.deletePublisher);
  });

  it('publishes what the broker did not take for want of the publisher, once that is declared again', async () => {
    const sink = await bench.live();
    sink.offer('a', 'b', 'c');
    await settled();
    bench.connection.refuse(2n, 18);
    bench.connection.refuse(3n, 18);
    await settled();
    expect(sink.told, 'nobody knows about the first').to.deep.equal(['a PUBLISH_UNCERTAIN']);
    bench.broker.confirms = true;
    await bench.broker.retry();
    expect(bench.connection.bodies.slice(3)).to.deep.equal(['b', 'c']);
    expect(sink.told).to.deep.equal(['a PUBLISH_UNCERTAIN', 'b ok', 'c ok']);
  });

  it('fails what the broker did not take when the stream is gone', async () => {
    const sink = await bench.live();
    sink.offer('a');
    await settled();
    bench.broker.streams.delete('s');
    bench.connection.refuse(1n, 18);
    bench.connection.link.events.metadataUpdate('s', 6);
    await bench.broker.retry();
    expect(sink.told).to.deep.equal(['a STREAM_NOT_FOUND']);
  });

  it('fails at once what waits for a stream that is not there, before anything was written', async () => {
    const sink = bench.sink({}, 'nowhere');
    const other = await bench.live();
    sink.offer('a', 'b', 'c');
    other.offer('x');
    await settled();
    expect(sink.told).to.deep.equal(['a STREAM_NOT_FOUND', 'b STREAM_NOT_FOUND', 'c STREAM_NOT_FOUND']);
    expect(sink.receipts[0]!.error).to.be.instanceOf(StreamNotFoundError);
    expect(other.told).to.deep.equal([]);
    expect(sink.publisher.pending).to.equal(0);
  });

  it('does not go round in circles with one who answers each failure with another try', async () => {
    const sink = bench.sink({}, 'nowhere');
    let tries = 0;
    sink.onReceipt = ({ value }) => {
      if (++tries < 5) sink.offer(String(value));
    };
    sink.offer('a');
    await settled();
    await settled();
    expect(sink.told).to.deep.equal(new Array(5).fill('a STREAM_NOT_FOUND'));
    expect(bench.broker.questions.length).to.be.at.least(3);
  });

  it('says why it may not publish', async () => {
    bench.broker.refusals.push(16);
    const sink = bench.sink();
    sink.offer('a');
    await settled();
    expect(sink.told).to.deep.equal(['a AUTHORIZATION']);
    expect(sink.receipts[0]!.error).to.be.instanceOf(AuthorizationError);
    expect(bench.connection.link.count, 'its place is free again').to.equal(0);
    bench.broker.confirms = true;
    sink.offer('b');
    await settled();
    expect(sink.told.at(-1)).to.equal('b ok');
  });

  it('fails where its name is taken, and waits where it was its own before', async () => {
    bench.broker.refusals.push(17);
    const sink = bench.sink({ producer: 'p' });
    sink.offer('a');
    await settled();
    expect(sink.told).to.deep.equal(['a IN_USE']);
    sink.offer('b');
    await settled();
    bench.connection.drop();
    bench.broker.refusals.push(17);
    await bench.broker.retry();
    expect(sink.told).to.deep.equal(['a IN_USE']);
    await bench.broker.retry();
    expect(sink.told).to.deep.equal(['a IN_USE', 'b ok']);
  });

  it('tries again while the stream has no leader', async () => {
    bench.broker.refusals.push(6);
    bench.broker.confirms = true;
    const sink = bench.sink();
    sink.offer('a');
    await settled();
    expect(sink.told).to.deep.equal([]);
    await bench.broker.retry();
    expect(sink.told).to.deep.equal(['a ok']);
  });

  it('fails all when connecting is given up: what was sent is uncertain, the rest was never sent', async () => {
    const sink = await caught({ resend: true });
    bench.connection.drop();
    bench.broker.giveUp(new ConnectionError('given up', { broker: 'rabbitmq-stream' }));
    expect(sink.told).to.deep.equal([
      'confirmed ok',
      'sent PUBLISH_UNCERTAIN',
      'gathered CONNECTION',
      'queued CONNECTION',
    ]);
    expect(bench.broker.suspendees.size).to.equal(0);
    bench.broker.confirms = true;
    sink.offer('later');
    await settled();
    expect(sink.told.at(-1)).to.equal('later ok');
  });

  it('is lost while it is being declared, and declared again', async () => {
    bench.broker.confirms = true;
    const sink = bench.sink({ producer: 'p' });
    sink.offer('a');
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    bench.connection.drop();
    await settled();
    await bench.broker.retry();
    expect(sink.told).to.deep.equal(['a ok']);
    expect(bench.broker.connections).to.have.length(2);
  });

  it('refuses what does not fit into the smaller frames of another leader', async () => {
    const sink = await bench.live({ resend: true });
    sink.give('large', undefined, Buffer.alloc(5000));
    sink.offer('small');
    await settled();
    bench.connection.drop();
    bench.broker.frameMax = 4096;
    await bench.broker.retry();
    expect(sink.told).to.deep.equal(['large FRAME_TOO_LARGE']);
    expect(bench.connection.bodies).to.deep.equal(['small']);
  });
});

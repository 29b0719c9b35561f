import { expect } from 'chai';
import { FrameTooLargeError, InvalidOptionError, PublishError, type WeirError } from '../../../lib/core/errors.js';
import { decodeMessage } from '../../../lib/rabbitmq-stream/codec/amqp/decode.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { bodyOf } from './published-frame.js';
import { settled, SinkBench } from './sink-kit.js';

describe('Outbox', () => {
  let bench: SinkBench;

  beforeEach(() => {
    bench = new SinkBench();
  });

  it('does nothing until the first message, then asks for a connection and declares a publisher', async () => {
    const sink = bench.sink();
    await settled();
    expect(bench.wakes).to.equal(0);
    expect(bench.broker.questions).to.deep.equal([]);
    sink.offer('a');
    expect(bench.wakes).to.equal(1);
    await settled();
    expect(bench.connection.requests).to.deep.equal([keys.declarePublisher]);
    expect([...bench.connection.publishers.values()]).to.deep.equal([{ reference: '', stream: 's' }]);
    expect(bench.connection.bodies).to.deep.equal(['a']);
  });

  it('sends what one turn brings in one frame, with ids from 1', async () => {
    const sink = await bench.live();
    sink.offer('a', 'b');
    await Promise.resolve();
    sink.offer('c');
    expect(bench.connection.frames).to.deep.equal([]);
    await settled();
    expect(bench.connection.frames).to.have.length(1);
    expect(bench.connection.frames[0]!.version).to.equal(1);
    expect(bench.connection.ids).to.deep.equal([1n, 2n, 3n]);
    expect(bench.connection.bodies).to.deep.equal(['a', 'b', 'c']);
  });

  it('confirms by id, in any order, and once', async () => {
    const sink = await bench.live();
    sink.offer('a', 'b', 'c');
    await settled();
    bench.connection.confirm(3n, 1n);
    bench.connection.confirm(3n, 9n, 0n, 2n);
    expect(sink.told).to.deep.equal(['c ok', 'a ok', 'b ok']);
    expect(sink.receipts.map(({ id }) => id)).to.deep.equal([3n, 1n, 2n]);
    expect(sink.receipts[0]).to.deep.include({ ok: true, confirmed: true, channel: 's' });
    expect(sink.publisher.pending).to.equal(0);
  });

  it('sends a frame when it has as many messages as batchSize says', async () => {
    const sink = await bench.live({ batchSize: 2 });
    sink.offer('a', 'b', 'c', 'd', 'e');
    expect(bench.connection.frames.map(({ entries }) => entries.length)).to.deep.equal([2, 2]);
    await settled();
    expect(bench.connection.frames.map(({ entries }) => entries.length)).to.deep.equal([2, 2, 1]);
  });

  it('sends a frame when the next message would not fit', async () => {
    bench.broker.frameMax = 4096;
    const sink = await bench.live();
    for (let n = 0; n < 5; n++) sink.give(n, undefined, Buffer.alloc(1500));
    await settled();
    expect(bench.connection.frames.map(({ entries }) => entries.length)).to.deep.equal([2, 2, 1]);
  });

  it('takes a message that fits exactly, and refuses one that is larger before anything is sent', async () => {
    bench.broker.frameMax = 4096;
    const sink = await bench.live();
    // 13 of the frame, 12 of the entry, 8 of the data section
    sink.give('fits', undefined, Buffer.alloc(4096 - 13 - 12 - 8));
    sink.give('too large', undefined, Buffer.alloc(4096 - 13 - 12 - 8 + 1));
    sink.give('whole', undefined, Buffer.alloc(4096 - 13 - 12), true);
    sink.give('whole and too large', undefined, Buffer.alloc(4096 - 13 - 12 + 1), true);
    await settled();
    expect(sink.told).to.deep.equal(['too large FRAME_TOO_LARGE', 'whole and too large FRAME_TOO_LARGE']);
    const { error } = sink.receipts[0]!;
    expect(error).to.be.instanceOf(FrameTooLargeError);
    expect(error!.message).to.contain('4072 bytes').and.to.contain('4096').and.to.contain('4071');
    expect(bench.connection.frames.map(({ entries }) => entries.length)).to.deep.equal([1, 1]);
    expect(bench.connection.ids, 'no id is used up').to.deep.equal([1n, 2n]);
  });

  it('has no limit of its own where the broker has none', async () => {
    bench.broker.frameMax = 0;
    const sink = await bench.live();
    sink.give('large', undefined, Buffer.alloc(3_000_000));
    await settled();
    expect(bench.connection.entries[0]!.bytes).to.have.length(3_000_008);
  });

  it('lingers for company as long as it is told, unless somebody waits for the end', async () => {
    const sink = await bench.live({ linger: 100 });
    sink.offer('a');
    bench.clock.pass(60);
    sink.offer('b');
    await settled();
    expect(bench.connection.frames).to.have.length(0);
    bench.clock.pass(40);
    expect(bench.connection.bodies).to.deep.equal(['a', 'b']);

    sink.offer('c');
    const flushed = sink.flush();
    await settled();
    expect(bench.connection.bodies).to.deep.equal(['a', 'b', 'c']);
    sink.offer('d');
    await settled();
    expect(bench.connection.bodies, 'until all is confirmed').to.deep.equal(['a', 'b', 'c', 'd']);
    bench.connection.confirm(1n, 2n, 3n, 4n);
    await flushed;
    sink.offer('e');
    await settled();
    expect(bench.connection.frames, 'then it lingers again').to.have.length(3);
    bench.clock.pass(100);
    expect(bench.connection.frames).to.have.length(4);
  });

  it('does not linger when the window is full', async () => {
    const sink = await bench.live({ linger: 100, maxInFlight: 3 });
    sink.offer('a', 'b', 'c', 'd');
    expect(bench.connection.bodies).to.deep.equal(['a', 'b', 'c']);
  });

  it('writes nothing while the socket is full', async () => {
    const sink = await bench.live({ batchSize: 1 });
    bench.broker.full = true;
    sink.offer('a', 'b', 'c');
    expect(bench.connection.bodies).to.deep.equal(['a']);
    expect(sink.port.writable).to.equal(false);
    bench.connection.confirm(1n);
    expect(bench.connection.bodies).to.deep.equal(['a']);
    bench.connection.drain();
    expect(bench.connection.bodies).to.deep.equal(['a', 'b', 'c']);
  });

  it('keeps the window', async () => {
    const sink = await bench.live({ maxInFlight: 2 });
    sink.offer('a', 'b', 'c');
    await settled();
    expect(bench.connection.bodies).to.deep.equal(['a', 'b']);
    bench.connection.confirm(1n);
    await settled();
    expect(bench.connection.bodies).to.deep.equal(['a', 'b', 'c']);
  });

  it('waits for the first message where it is never answered and everything after it is', async () => {
    const sink = await bench.live({ maxInFlight: 2, batchSize: 1 });
    bench.broker.stores = false;
    sink.offer('stuck');
    for (let id = 2n; id <= 65_536n; id++) {
      sink.offer('x');
      bench.connection.confirm(id);
    }
    expect(sink.publisher.pending).to.equal(1);
    sink.offer('waits');
    expect(sink.port.writable).to.equal(false);
    expect(bench.connection.frames).to.have.length(65_536);
    bench.connection.confirm(1n);
    expect(bench.connection.frames).to.have.length(65_537);
  });

  it('takes ids of the user, as long as they increase', async () => {
    const sink = await bench.live();
    sink.give('a', { id: 0n });
    sink.give('b', { id: 10n });
    sink.give('same', { id: 10n });
    sink.give('smaller', { id: 9n });
    sink.give('c');
    sink.give('d', { id: 2n ** 64n - 2n });
    sink.give('e');
    sink.give('none left');
    await settled();
    expect(bench.connection.ids).to.deep.equal([0n, 10n, 11n, 2n ** 64n - 2n, 2n ** 64n - 1n]);
    expect(sink.told).to.deep.equal(['same INVALID_OPTION', 'smaller INVALID_OPTION', 'none left PUBLISH']);
    expect(sink.receipts[0]!.error).to.be.instanceOf(InvalidOptionError);
    bench.connection.confirm(2n ** 64n - 1n, 2n ** 64n - 2n, 0n, 10n);
    expect(sink.told.slice(3)).to.deep.equal(['e ok', 'd ok', 'a ok', 'b ok']);
  });

  it('tells a refused message with its code', async () => {
    const sink = await bench.live();
    sink.offer('a', 'b');
    await settled();
    bench.connection.refuse(1n, 15);
    bench.connection.refuse(1n, 15);
    bench.connection.confirm(1n, 2n);
    expect(sink.told).to.deep.equal(['a PUBLISH', 'b ok']);
    const error = sink.receipts[0]!.error!;
    expect(error).to.be.instanceOf(PublishError);
    expect(error.detail).to.deep.include({ code: 15, name: 'INTERNAL_ERROR', stream: 's' });
    expect(sink.receipts[0]!.id).to.equal(1n);
  });

  it('gives a message up that is not confirmed in time, with one timer for all', async () => {
    const sink = await bench.live({ confirmTimeout: 1000, batchSize: 1 });
    sink.offer('a', 'b');
    bench.clock.pass(400);
    sink.offer('c');
    expect(bench.clock.running).to.equal(1);
    bench.connection.confirm(1n);
    bench.clock.pass(600);
    expect(sink.told).to.deep.equal(['a ok', 'b PUBLISH_UNCERTAIN']);
    expect(sink.receipts[1]!.error!.message).to.contain('1000 ms');
    expect((sink.receipts[1]!.error!.cause as WeirError).code).to.equal('TIMEOUT');
    bench.connection.confirm(2n);
    bench.clock.pass(400);
    expect(sink.told).to.deep.equal(['a ok', 'b PUBLISH_UNCERTAIN', 'c PUBLISH_UNCERTAIN']);
    expect(bench.clock.running).to.equal(0);
  });

  it('waits for ever where that is asked for', async () => {
    const sink = await bench.live({ confirmTimeout: Infinity });
    sink.offer('a');
    await settled();
    expect(bench.clock.running).to.equal(0);
  });

  it('removes the publisher when its owner is done, and ends with it', async () => {
    const sink = await bench.live();
    bench.broker.confirms = true;
    sink.offer('a');
    await sink.flush();
    sink.publisher.close();
    await settled();
    expect(bench.connection.publishers.size).to.equal(0);
    expect(bench.connection.link.count).to.equal(0);
    expect(bench.clock.running).to.equal(0);
  });

  it('lets go of a link that it was still looking for', async () => {
    let open = (): void => undefined;
    bench.broker.gate = new Promise((resolve) => {
      open = resolve;
    });
    const sink = bench.sink();
    sink.port.wake();
    sink.publisher.close();
    open();
    await settled();
    expect(bench.broker.connections.flatMap(({ requests }) => requests)).to.deep.equal([]);
  });

  it('says what became of each message when the handle is closed', async () => {
    const sink = await bench.live({ maxInFlight: 3, batchSize: 2 });
    sink.offer('sent', 'sent too', 'gathered');
    bench.outbox.close();
    expect(sink.told).to.deep.equal(['sent PUBLISH_UNCERTAIN', 'sent too PUBLISH_UNCERTAIN', 'gathered CLOSED']);
    expect(bench.clock.running).to.equal(0);
    bench.connection.drop();
    expect(bench.broker.suspendees.size).to.equal(0);
  });

  it('gives each sink a publisher of its own', async () => {
    bench.broker.confirms = true;
    const [one, two] = [await bench.live(), await bench.live()];
    one.offer('a');
    two.offer('b');
    await settled();
    expect(bench.connection.frames.map(({ publisherId }) => publisherId)).to.deep.equal([0, 1]);
    expect(bench.connection.ids).to.deep.equal([1n, 1n]);
  });

  it('puts headers, properties and annotations before the body', async () => {
    const sink = await bench.live();
    sink.give('a', {
      headers: { n: 1 },
      properties: { subject: 's' },
      annotations: new Map([['x-a', 'b']]),
    } as object);
    sink.give('b', { headers: {} });
    await settled();
    const [first, second] = bench.connection.entries;
    const { body, messageAnnotations, properties, applicationProperties } = decodeMessage(first!.bytes);
    expect(body).to.deep.equal({ kind: 'data', data: Uint8Array.of(0x61) });
    expect(messageAnnotations).to.deep.equal(new Map([['x-a', 'b']]));
    expect(properties).to.deep.equal({ subject: 's' });
    expect(applicationProperties).to.deep.equal(new Map([['n', 1]]));
    expect(bodyOf(second!.bytes)).to.equal('b');
  });

  it('refuses fields that a message cannot have', async () => {
    const sink = await bench.live();
    sink.give('unwritable', { headers: { f: () => 1 } });
    sink.give('whole', { headers: { a: 1 } }, Buffer.from('005375a00161', 'hex'), true);
    expect(sink.told).to.deep.equal(['unwritable INVALID_OPTION', 'whole INVALID_OPTION']);
    sink.give('whole', { id: 7n }, Buffer.from('005375a00161', 'hex'), true);
    await settled();
    expect(bench.connection.entries.map(({ id, bytes }) => [id, bodyOf(bytes)])).to.deep.equal([[7n, 'a']]);
  });
});

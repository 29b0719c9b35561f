import { connect as connectV3 } from '@nats-io/transport-node';
import { expect } from 'chai';
import { connect as connectV2 } from 'nats';
import { lastValueFrom, toArray } from 'rxjs';
import type { WeirError } from '../../lib/core/errors.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import {
  envelope,
  natsPublisher,
  openEnvelope,
  type EnvelopedAck,
  type LiftbridgeBroker,
  type LiftbridgeDelivery,
} from '../../lib/liftbridge/index.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { Handles, newStream } from './support.js';

const textOf = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString();

for (const [version, connect] of [
  ['nats v2', connectV2],
  ['@nats-io/transport-node v3', connectV3],
] as const) {
  describe(`liftbridge: publishing through NATS with ${version}`, function () {
    this.timeout(60_000);
    let server: LiftbridgeServer;
    let nats: Awaited<ReturnType<typeof connect>>;
    const handles = new Handles();
    let broker: LiftbridgeBroker;

    before(async () => {
      server = await startLiftbridge({ maxPayload: 2_000_000 });
      nats = await connect({ servers: server.natsUrl! });
      broker = handles.make(server);
    });
    after(async () => {
      await handles.close();
      await nats.close();
      await server.stop();
    });

    const read = (stream: string, partition = 0): Promise<LiftbridgeDelivery[]> =>
      lastValueFrom(broker.messages(stream, { partition, start: earliest(), until: untilNow() }).pipe(toArray()));
    const failure = (promise: Promise<unknown>): Promise<WeirError> =>
      promise.then(
        () => expect.fail('it was published'),
        (error: unknown) => error as WeirError,
      );

    it('stores messages with all that goes with them, and gives their acks', async () => {
      const [name, subject] = [unique('stream'), unique('subject')];
      await broker.createStream({ name, subject, partitions: 2 });
      await using publisher = natsPublisher(nats);
      const ack = await publisher.publish(subject, Buffer.from('a'), {
        key: 'k',
        headers: { h: 'v' },
        ackPolicy: 'all',
        correlationId: 'mine',
      });
      expect(ack).to.deep.include({ stream: name, subject, offset: 0n, correlationId: 'mine', ackPolicy: 'all' });
      expect(await publisher.publish(`${subject}.1`, Buffer.from('b'))).to.deep.include({
        subject: `${subject}.1`,
        offset: 0n,
      });
      const [message] = await read(name);
      expect([textOf(message!.value), textOf(message!.key), textOf(message!.headers.get('h'))]).to.deep.equal([
        'a',
        'k',
        'v',
      ]);
      expect((await read(name, 1)).map(({ value }) => textOf(value))).to.deep.equal(['b']);
    });

    it('keeps many in flight', async () => {
      const stream = await newStream(broker);
      const publisher = natsPublisher(nats, { maxInFlight: 100 });
      const acks = await Promise.all(
        Array.from({ length: 1_000 }, (_, n) => publisher.publish(stream, Buffer.from(`message ${n}`))),
      );
      expect(acks.map((ack) => ack!.offset)).to.deep.equal(Array.from({ length: 1_000 }, (_, n) => BigInt(n)));
      expect((await read(stream)).map(({ value }) => textOf(value))).to.deep.equal(
        Array.from({ length: 1_000 }, (_, n) => `message ${n}`),
      );
      await publisher.close();
      expect(nats.isClosed()).to.equal(false);
    });

    it('publishes at the expected offset, and is told where that is not the one', async () => {
      const stream = await newStream(broker, { optimisticConcurrencyControl: true });
      await using publisher = natsPublisher(nats);
      for (const expectedOffset of [0, 1n, -1, undefined]) {
        await publisher.publish(stream, Buffer.from('x'), { expectedOffset });
      }
      const error = await failure(publisher.publish(stream, Buffer.from('x'), { expectedOffset: 2 }));
      expect(error).to.have.property('code', 'OFFSET_MISMATCH');
      expect(await read(stream)).to.have.length(4);
    });

    it('is uncertain where no stream takes it', async () => {
      await using publisher = natsPublisher(nats, { ackTimeout: 200 });
      expect(await failure(publisher.publish(unique('nobody'), Buffer.from('x')))).to.have.property(
        'code',
        'PUBLISH_UNCERTAIN',
      );
      expect(await publisher.publish(unique('nobody'), Buffer.from('x'), { ackPolicy: 'none' })).to.equal(undefined);
    });

    it('keeps from the NATS server what it does not take, and is told what the stream does not', async () => {
      const stream = await newStream(broker);
      await using publisher = natsPublisher(nats);
      for (const size of [1_200_000, 2_000_000]) {
        const error = await failure(publisher.publish(stream, new Uint8Array(size)));
        expect(error.code, `${size}: ${error.message}`).to.equal('FRAME_TOO_LARGE');
        expect(error.message).to.contain(size === 2_000_000 ? 'max_payload' : 'TOO_LARGE');
      }
      expect(await publisher.publish(stream, Buffer.from('x'))).to.deep.include({ offset: 0n });
    });

    it('takes envelopes that were made by hand, and plain messages', async () => {
      const stream = await newStream(broker);
      const inbox = unique('acks');
      const acks: EnvelopedAck[] = [];
      const subscription = nats.subscribe(inbox, {
        callback: (_error, message) => {
          acks.push(openEnvelope(message.data) as EnvelopedAck);
        },
      });
      for (const crc of [true, false]) {
        nats.publish(
          stream,
          envelope(Buffer.from(`crc: ${crc}`), { key: 'k', ackInbox: inbox, correlationId: 'c', crc }),
        );
      }
      nats.publish(stream, Buffer.from('plain'));
      nats.publish(stream, new Uint8Array());
      const corrupt = envelope(Buffer.from('corrupt'));
      corrupt[corrupt.length - 1]! ^= 1;
      nats.publish(stream, corrupt);
      await until(async () => (await broker.partitionMetadata(stream)).highWatermark === 4n);
      await until(() => acks.length === 2);
      subscription.unsubscribe();
      expect(acks.map(({ kind, offset, correlationId, error }) => [kind, offset, correlationId, error])).to.deep.equal([
        ['ack', 0n, 'c', undefined],
        ['ack', 1n, 'c', undefined],
      ]);
      const stored = await read(stream);
      expect(stored.slice(0, 4).map(({ value }) => textOf(value))).to.deep.equal([
        'crc: true',
        'crc: false',
        'plain',
        '',
      ]);
      // what is no envelope any more is stored as it is
      expect([...stored[4]!.value]).to.deep.equal([...corrupt]);
      expect(stored.map(({ key }) => key?.length ?? 0)).to.deep.equal([1, 1, 0, 0, 0]);
    });
  });
}

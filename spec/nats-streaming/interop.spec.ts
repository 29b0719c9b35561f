import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { lastValueFrom, take, tap, toArray } from 'rxjs';
import { earliest, untilOffset } from '../../lib/core/starts.js';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { publish, subscribe } from '../support/peers/python-stan.js';
import { Handles } from './support.js';

const count = 1_000;

/** Random bytes of random length: none, one, no UTF-8, more than a few protocol lines. */
function payloads(): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => randomBytes(i % 97 === 0 ? 0 : i % 89 === 0 ? 20_000 : (i * 7) % 300));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('NATS Streaming: interoperation with asyncio-nats-streaming', function () {
  this.timeout(120_000);
  const handles = new Handles();
  let server: NatsStreamingServer;

  before(async () => {
    server = await startNatsStreaming();
  });

  after(() => server.stop());

  afterEach(() => handles.close());

  it('reads what the Python client published, bytes and order exact', async () => {
    const channel = unique('from-python');
    const sent = payloads();
    expect(await publish({ server, channel }, sent)).to.equal(count);
    const deliveries$ = handles.make(server).messages(channel, { start: earliest(), until: untilOffset(count) });
    const got = await lastValueFrom(
      deliveries$.pipe(
        tap((delivery) => delivery.ack()),
        toArray(),
      ),
    );
    expect(got.map(({ value }) => hex(value))).to.deep.equal(sent.map(hex));
    expect(got.map(({ offset }) => offset)).to.deep.equal(sent.map((_, i) => BigInt(i + 1)));
  });

  it('publishes what the Python client reads, bytes and order exact', async () => {
    const channel = unique('to-python');
    const sent = payloads();
    const receipts$ = handles.make(server).publishFrom(channel, sent, { onError: 'throw' });
    const receipts = await lastValueFrom(receipts$.pipe(toArray()));
    expect(receipts.length).to.equal(count);
    const got = await subscribe({ server, channel, start: 'first', count }).messages;
    expect(got.map(({ data }) => hex(data))).to.deep.equal(sent.map(hex));
  });

  it('resumes a durable that the Python client began', async () => {
    const channel = unique('durable');
    const client = unique('shared');
    const sent = payloads();
    await publish({ server, channel }, sent);
    const first = await subscribe({ server, channel, client, durable: 'd', start: 'first', count: 400 }).messages;
    expect(first.map(({ data }) => hex(data))).to.deep.equal(sent.slice(0, 400).map(hex));
    const broker = handles.make(server, { clientId: client });
    const seen = new Map<bigint, string>();
    await lastValueFrom(
      broker.messages(channel, { durable: 'd', until: untilOffset(count) }).pipe(
        tap((delivery) => {
          seen.set(delivery.offset, hex(delivery.value));
          delivery.ack();
        }),
      ),
    );
    // the last ones that the server had sent ahead may be among the first; nothing that was acked is
    expect([...seen.keys()].sort((a, b) => Number(a - b))[0]).to.equal(401n);
    expect([...seen.values()]).to.have.members(sent.slice(400).map(hex));
  });

  it('begins a durable that the Python client resumes', async () => {
    const channel = unique('durable');
    const client = unique('shared');
    const sent = payloads();
    await publish({ server, channel }, sent);
    const broker = handles.make(server, { clientId: client });
    const deliveries$ = broker.messages(channel, { durable: 'd', start: earliest(), maxInFlight: 10 });
    await lastValueFrom(
      deliveries$.pipe(
        tap((delivery) => delivery.ack()),
        take(400),
      ),
    );
    await broker.close();
    const got = await subscribe({ server, channel, client, durable: 'd', start: 'first', count: 600 }).messages;
    expect(got.map(({ data }) => hex(data))).to.have.members(sent.slice(400).map(hex));
  });
});

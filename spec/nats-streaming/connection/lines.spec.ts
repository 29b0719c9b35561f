import * as v3 from '@nats-io/transport-node';
import { expect } from 'chai';
import fc from 'fast-check';
import * as v2 from 'nats';
import type { NatsConnectionLike } from '../../../lib/nats-streaming/connection/nats-connection.js';
import { Lines, linesOf } from '../../../lib/nats-streaming/connection/lines.js';
import { startFakeNats, type FakeNats } from '../../support/fake-nats.js';
import { until } from '../../support/wait.js';

interface Got {
  readonly subject: string;
  readonly reply: string | undefined;
  readonly data: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('nats-streaming lines', () => {
  let server: FakeNats;
  let got: Got[];

  beforeEach(async () => {
    server = await startFakeNats();
    got = [];
    server.onPublish('>', ({ subject, reply, data }) => {
      got.push({ subject, reply, data: hex(data) });
    });
  });

  afterEach(() => server.stop());

  for (const [name, connect] of [
    ['nats v2', v2.connect],
    ['@nats-io/transport-node v3', v3.connect],
  ] as const) {
    describe(`over ${name}`, () => {
      let nc: NatsConnectionLike;
      let lines: Lines;

      beforeEach(async () => {
        nc = await connect({ servers: server.url });
        const found = linesOf(nc);
        expect(found, 'the version is known').to.be.instanceOf(Lines);
        lines = found!;
      });

      afterEach(() => nc.close());

      it('reaches the server as publish does, in order, whatever the sizes', async () => {
        const message = fc.record({
          subject: fc.constantFrom('a', 'orders.new', 'x'.repeat(200)),
          reply: fc.constantFrom(undefined, 'r', '_INBOX.y'),
          data: fc.uint8Array({ maxLength: 300 }),
        });
        const sizes = [0, 9, 10, 99, 100, 999, 1000, 8191, 8192].map((size) => ({
          subject: 'sizes',
          reply: undefined,
          data: new Uint8Array(size).fill(size % 251),
        }));
        const all = [...sizes, ...fc.sample(message, 1_000)];
        for (const { subject, reply, data } of all) expect(lines.write(subject, data, reply)).to.equal(true);
        await until(() => got.length === all.length);
        expect(got).to.deep.equal(all.map(({ subject, reply, data }) => ({ subject, reply, data: hex(data) })));
      });

      it('leaves before what the client is told after a flush', async () => {
        lines.write('first', new Uint8Array(1), undefined);
        lines.flush();
        nc.publish('second', new Uint8Array(1));
        lines.write('third', new Uint8Array(1), undefined);
        await until(() => got.length === 3);
        expect(got.map(({ subject }) => subject)).to.deep.equal(['first', 'second', 'third']);
      });

      it('leaves what is large to publish, behind what was written before', async () => {
        lines.write('small', new Uint8Array(1), undefined);
        const large = new Uint8Array(8_193);
        expect(lines.write('large', large, undefined)).to.equal(false);
        nc.publish('large', large);
        await until(() => got.length === 2);
        expect(got.map(({ subject }) => subject)).to.deep.equal(['small', 'large']);
      });

      it('takes nothing on a closed connection', async () => {
        await nc.close();
        expect(lines.write('a', new Uint8Array(1), undefined)).to.equal(false);
      });
    });
  }

  describe('written one by one', () => {
    const sent: number[] = [];
    const protocol = {
      outMsgs: 0,
      outBytes: 0,
      transport: { version: '2.29.3', lang: 'nats.js' },
      sendCommand: (bytes: Uint8Array) => void sent.push(bytes.toString().split('80,85,66').length - 1),
    };
    const nc = { protocol, isClosed: () => false, isDraining: () => false };
    const counting = async function* (count: number): AsyncGenerator<number> {
      for (let i = 0; i < count; i++) yield i;
    };

    beforeEach(() => void sent.splice(0));

    it('by what an async iterator gives at once, go out together, a good many at a time', async () => {
      const lines = linesOf(nc as never)!;
      for await (const _ of counting(1_000)) lines.write('a', new Uint8Array(1), undefined);
      await new Promise(setImmediate);
      expect(sent.reduce((sum, each) => sum + each)).to.equal(1_000);
      expect(sent.length).to.be.within(2, 40);
    });

    it('with a pause between them, go out before the pause', async () => {
      const lines = linesOf(nc as never)!;
      for (let i = 1; i <= 3; i++) {
        lines.write('a', new Uint8Array(1), undefined);
        await new Promise(setImmediate);
        expect(sent).to.have.length(i);
      }
    });
  });

  it('keeps its hands off a client that it does not know', () => {
    const protocol = { outMsgs: 0, outBytes: 0, sendCommand: () => undefined };
    const known = { protocol: { ...protocol, transport: { version: '2.29.3', lang: 'nats.js' } } };
    expect(linesOf(known as never)).to.be.instanceOf(Lines);
    for (const strange of [
      {},
      { protocol: undefined },
      { protocol },
      { protocol: { ...protocol, transport: { version: '4.0.0', lang: 'nats.js' } } },
      { protocol: { ...protocol, outMsgs: undefined, transport: { version: '2.29.3', lang: 'nats.js' } } },
    ]) {
      expect(linesOf(strange as never)).to.equal(undefined);
    }
  });
});

import { expect } from 'chai';
import { AuthenticationError, ConnectionError, StreamExistsError } from '../../../lib/core/errors.js';
import type { TlsOptions } from '../../../lib/core/tls.js';
import { grpcFrame } from '../../../lib/liftbridge/codec/grpc-frame.js';
import { Writer } from '../../../lib/core/wire/writer.js';
import type { Address } from '../../../lib/liftbridge/connection/address.js';
import { startLiftbridge } from '../../support/brokers/index.js';
import type { LiftbridgeServer } from '../../support/brokers/liftbridge-server.js';
import { until } from '../../support/wait.js';
import { refusal } from '../../support/refusal.js';
import { asking, closeAll, connect, Heard } from './channel-kit.js';

const addressOf = ({ host, port }: LiftbridgeServer): Address => ({ host, port });
const createStream = (name: string): Uint8Array => new Writer().string(1, name).string(2, name).finish();
const subscribe = (stream: string): Uint8Array => new Writer().string(1, stream).int32(3, 2).finish();
const publish = (stream: string, value: string): Uint8Array =>
  new Writer().bytes(2, Buffer.from(value)).string(3, stream).int64(9, -1n).finish();

let streams = 0;
const fresh = (): string => `connection-${process.pid}-${Date.now()}-${streams++}`;

describe('liftbridge connection: the real server', () => {
  afterEach(closeAll);

  describe('without TLS', () => {
    let server: LiftbridgeServer;
    before(async () => {
      server = await startLiftbridge();
    });
    after(() => server.stop());

    it('is asked, published to and read from on one connection', async () => {
      const stream = fresh();
      const channel = await connect(addressOf(server));
      expect(await channel.probe(5_000)).to.equal(true);
      expect(await channel.unary('CreateStream', createStream(stream), asking())).to.have.length(0);
      expect(await refusal(channel.unary('CreateStream', createStream(stream), asking()))).to.be.instanceOf(
        StreamExistsError,
      );
      const metadata = await channel.unary('FetchMetadata', new Uint8Array(), asking({ deadline: false }));
      expect(metadata.includes(stream)).to.equal(true);

      const read = new Heard();
      const subscription = channel.call('Subscribe', read, subscribe(stream));
      await read.until(1);
      expect(read.messages[0]).to.have.length(0);
      const acks = new Heard();
      const publishing = channel.call('PublishAsync', acks);
      publishing.write(Buffer.concat(['one', 'two', 'three'].map((value) => grpcFrame(publish(stream, value)))));
      await acks.until(3);
      await read.until(4);
      expect(
        read.messages.slice(1).map((message) => /one|two|three/.exec(message.toString('latin1'))?.[0]),
      ).to.deep.equal(['one', 'two', 'three']);
      expect(channel.calls).to.equal(2);
      publishing.halfClose();
      expect((await acks.end()).code).to.equal(0);
      subscription.cancel();
      expect(channel.calls).to.equal(0);
      expect(await channel.probe(5_000)).to.equal(true);
    });

    it('ends a call with its own words', async () => {
      const channel = await connect(addressOf(server));
      const heard = new Heard();
      channel.call('Subscribe', heard, subscribe(fresh()));
      expect(await heard.end()).to.deep.equal({ code: 5, name: 'NOT_FOUND', message: 'No such partition' });
    });

    it('is told from one with TLS', async () => {
      const error = await refusal(connect(addressOf(server), { tls: {} }));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.include('it does not speak TLS on this port');
      expect(error.retriable).to.equal(false);
    });
  });

  it('is lost when it is killed, and said to be', async () => {
    const server = await startLiftbridge({ needs: 'control' });
    const stream = fresh();
    const channel = await connect(addressOf(server));
    await channel.unary('CreateStream', createStream(stream), asking());
    const heard = new Heard();
    channel.call('Subscribe', heard, subscribe(stream));
    await heard.until(1);
    const losses: unknown[] = [];
    channel.onLost((error) => losses.push(error));
    await server.kill();
    expect((await heard.end()).name).to.equal('UNAVAILABLE');
    await until(() => losses.length === 1, { every: 2 });
    await server.stop();
  });

  for (const verify of [false, true]) {
    describe(`with ${verify ? 'mutual ' : ''}TLS`, () => {
      let server: LiftbridgeServer;
      let tls: TlsOptions;
      before(async () => {
        server = await startLiftbridge({ tls: { verify } });
        const { ca, clientCert, clientKey } = server.certificates!.pem;
        tls = { ca, ...(verify && { cert: clientCert, key: clientKey }) };
      });
      after(() => server.stop());

      it('serves', async () => {
        const stream = fresh();
        const channel = await connect(addressOf(server), { tls });
        await channel.unary('CreateStream', createStream(stream), asking());
        const heard = new Heard();
        channel.call('Subscribe', heard, subscribe(stream));
        await heard.until(1);
        const bytes = channel.received;
        expect(await channel.probe(5_000)).to.equal(true);
        expect(channel.received).to.be.above(bytes);
      });

      it('is told from one without', async () => {
        const error = await refusal(connect(addressOf(server)));
        expect(error).to.be.instanceOf(ConnectionError);
        expect(error.message).to.include('set tls if it speaks TLS there');
      });

      if (verify) {
        it('requires a certificate', async () => {
          const error = await refusal(connect(addressOf(server), { tls: { ca: tls.ca } }));
          expect(error).to.be.instanceOf(AuthenticationError);
          expect(error.message).to.include('it requires a client certificate; give tls.cert and tls.key');
          expect(error.retriable).to.equal(false);
        });
      } else {
        it('is not trusted without its authority', async () => {
          const error = await refusal(connect(addressOf(server), { tls: {} }));
          expect(error).to.be.instanceOf(ConnectionError);
          expect(error.message).to.include('an authority that is not trusted; give that as tls.ca');
        });
      }
    });
  }
});

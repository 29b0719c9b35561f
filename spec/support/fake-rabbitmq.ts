import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { keys, keyName } from '../../lib/rabbitmq-stream/codec/keys.js';
import { encodeCloseResponse, encodeTune, type CommandVersions } from '../../lib/rabbitmq-stream/codec/requests.js';
import { responseCodes } from '../../lib/rabbitmq-stream/codec/response-codes.js';
import { register, unregister } from './brokers/registry.js';
import { FakeConnection, type FakeFrame } from './fake-rabbitmq-connection.js';
import {
  encodeExchangeCommandVersionsResponse,
  encodeMetadataResponse,
  encodeOpenResponse,
  encodePeerPropertiesResponse,
  encodeQueryOffsetResponse,
  encodeQueryPublisherSequenceResponse,
  encodeResponse,
  encodeSaslHandshakeResponse,
} from './rabbitmq-frames.js';
import { until } from './wait.js';

export { FakeConnection, type FakeFrame } from './fake-rabbitmq-connection.js';

/** Handles a frame in place of the server; `proceed` does what the server would have done. */
export type FakeHook = (frame: FakeFrame, connection: FakeConnection, proceed: () => void) => void;

/** How the fake server presents itself. */
export interface FakeRabbitMqOptions {
  /** Speaks TLS with these, plain TCP without. */
  readonly tls?: TlsOptions;
  /** What it proposes, in bytes. Default 1 MiB. */
  readonly frameMax?: number;
  /** What it proposes, in seconds. Default 60. */
  readonly heartbeat?: number;
  readonly mechanisms?: readonly string[];
  /** What it says of itself. Default: product RabbitMQ, version 4.0.5. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Where Open and Metadata say that it is. Default: where it is; false: Open does not say. */
  readonly advertised?: { readonly host: string; readonly port: number } | false;
  /** The commands that it says it knows. Default: those of RabbitMQ 4.0.5. */
  readonly commands?: readonly CommandVersions[];
}

const commandsOf405 = [1, 2, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 22, 23, 24, 25, 28, 29, 30].map((key) => ({
  key,
  min: 1,
  max: key === keys.publish ? 2 : 1,
}));

/**
 * The server side of the stream protocol in this process. It does the handshake and answers requests as a broker would on
 * which every stream exists and nothing happens; a spec scripts what a real one does not do on demand.
 */
export class FakeRabbitMq {
  readonly host = '127.0.0.1';
  /** All that were accepted since the start, in their order. */
  readonly connections: FakeConnection[] = [];
  readonly #server: Server;
  readonly #options: FakeRabbitMqOptions;
  readonly #hooks = new Map<number, FakeHook>();

  private constructor(options: FakeRabbitMqOptions) {
    this.#options = options;
    const accept = (socket: Socket): void => {
      this.connections.push(new FakeConnection(socket, (frame, connection) => this.#take(frame, connection)));
    };
    this.#server = options.tls ? createTlsServer(options.tls, accept) : createTcpServer(accept);
    // a client that refuses the certificate, or has none of its own
    if (options.tls) this.#server.on('tlsClientError', () => undefined);
  }

  static async start(options: FakeRabbitMqOptions = {}): Promise<FakeRabbitMq> {
    const fake = new FakeRabbitMq(options);
    await new Promise<void>((resolve, reject) => {
      fake.#server.once('error', reject);
      fake.#server.listen(0, fake.host, resolve);
    });
    register(fake);
    return fake;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How many connections are there now. */
  get open(): number {
    return this.connections.filter(({ closed }) => !closed).length;
  }

  /** Handles frames of a key in the server's place, until the function that it gives is called. */
  on(key: number, hook: FakeHook): () => void {
    this.#hooks.set(key, hook);
    return () => {
      if (this.#hooks.get(key) === hook) this.#hooks.delete(key);
    };
  }

  /** Handles the next frame of a key in the server's place, and no further one. */
  once(key: number, hook: FakeHook): void {
    const off = this.on(key, (frame, connection, proceed) => {
      off();
      hook(frame, connection, proceed);
    });
  }

  /** Waits for the nth connection, counted from 1. */
  connection(nth = 1): Promise<FakeConnection> {
    return until(() => this.connections[nth - 1], { every: 2, message: `connection ${String(nth)}` });
  }

  async stop(): Promise<void> {
    unregister(this);
    for (const { socket } of this.connections) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(frame: FakeFrame, connection: FakeConnection): void {
    const hook = this.#hooks.get(frame.key);
    if (hook) hook(frame, connection, () => this.#serve(frame, connection));
    else this.#serve(frame, connection);
  }

  #serve(frame: FakeFrame, connection: FakeConnection): void {
    const { key, correlationId } = frame;
    const answer = this.#answer(frame);
    if (answer) connection.raw(answer);
    if (key === keys.saslAuthenticate) {
      const { frameMax = 1_048_576, heartbeat = 60 } = this.#options;
      connection.raw(encodeTune({ frameMax, heartbeat }));
    } else if (key === keys.close) {
      connection.raw(encodeCloseResponse(correlationId));
      connection.end();
    }
  }

  #answer({ key, correlationId, fields }: FakeFrame): Uint8Array | undefined {
    const { properties, mechanisms, advertised = this, commands = commandsOf405 } = this.#options;
    switch (key) {
      case keys.peerProperties:
        return encodePeerPropertiesResponse(correlationId, properties ?? { product: 'RabbitMQ', version: '4.0.5' });
      case keys.saslHandshake:
        return encodeSaslHandshakeResponse(correlationId, mechanisms ?? ['PLAIN', 'AMQPLAIN', 'EXTERNAL']);
      case keys.open:
        return encodeOpenResponse(
          correlationId,
          advertised ? { advertised_host: advertised.host, advertised_port: String(advertised.port) } : {},
        );
      case keys.exchangeCommandVersions:
        return encodeExchangeCommandVersionsResponse(correlationId, commands);
      case keys.metadata: {
        const { host, port } = advertised || this;
        const streams = fields()['streams'] as readonly string[];
        return encodeMetadataResponse(
          correlationId,
          streams.map((stream) => ({ stream, code: responseCodes.OK, leader: { host, port }, replicas: [] })),
        );
      }
      case keys.queryOffset:
        return encodeQueryOffsetResponse(correlationId, 0, responseCodes.NO_OFFSET);
      case keys.queryPublisherSequence:
        return encodeQueryPublisherSequenceResponse(correlationId, 0);
      case keys.saslAuthenticate:
      case keys.declarePublisher:
      case keys.deletePublisher:
      case keys.subscribe:
      case keys.unsubscribe:
      case keys.create:
      case keys.delete:
        return encodeResponse(key, correlationId);
      case keys.close:
      case keys.heartbeat:
      case keys.publish:
      case keys.credit:
      case keys.storeOffset:
      case keys.tune:
        return undefined;
      default:
        if (key & 0x8000) return undefined;
        throw new Error(`The fake RabbitMQ has no answer to ${keyName(key)}; give it a hook.`);
    }
  }
}

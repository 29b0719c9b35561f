import {
  AuthenticationError,
  BrokerTimeoutError,
  ClosedError,
  ProtocolError,
  type WeirError,
} from '../../core/errors.js';
import { signedKinds, type Refusal } from '../auth/auth.js';
import { encodeBase64 } from '../codec/base64.js';
import { decodeFromBroadcaster, nonceLength, type ConfirmConfigure } from '../codec/from-broadcaster.js';
import { signed } from '../codec/signed.js';
import { configureMessage } from '../codec/to-broadcaster.js';
import type { Zstd } from '../platform.js';
import { Connection } from './connection.js';
import { Counters } from './counters.js';
import { goodbye } from './goodbyes.js';
import type { ConnectionParts } from './parts.js';
import type { Socket, SocketHandlers } from './socket.js';

const broker = 'lonelyps';

/** Room for the headers of a message, which are several of up to 64 KiB. */
const headers = 1024 * 1024;
/** The largest websocket message that a broadcaster sends unless it is set up otherwise. */
const usualFrame = 16 * 1024 * 1024;

const refusals: Readonly<Record<Exclude<Refusal, undefined>, string>> = {
  missing: 'without an authorization; does it have the scheme of auth.toSubscriber?',
  wrong: 'with an authorization that is not the one of auth.toSubscriber; check the secret',
  stale: 'with an authorization of another time; check the clocks of both machines',
  replayed: 'with an authorization that was used before; somebody between may be repeating it',
};

/** A connection from its socket to its confirmation; what comes after that goes to the {@link Connection}. @internal */
export class Opening implements SocketHandlers {
  readonly confirmed: Promise<Connection>;
  private resolve!: (connection: Connection) => void;
  private reject!: (error: unknown) => void;
  private readonly socket: Socket;
  private readonly nonce: Uint8Array;
  private connection: Connection | undefined;
  private asked = false;
  private failed = false;

  constructor(
    private readonly parts: ConnectionParts,
    private readonly zstd: Zstd | undefined,
  ) {
    const { platform, url, options } = parts;
    this.confirmed = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.nonce = platform.random(nonceLength);
    const { tls, connectTimeout } = options;
    const maxMessageBytes = Math.max(usualFrame, options.maxMessageBytes) + headers;
    this.socket = platform.openSocket(url, { tls, connectTimeout, maxMessageBytes }, this);
  }

  opened(): void {
    if (this.failed) return;
    const { auth, options } = this.parts;
    const zstd = this.zstd !== undefined;
    const training = zstd && options.compression?.training === true;
    const initialDictionary = zstd ? (options.compression?.initial ?? 0) : 0;
    const { nonce } = this;
    try {
      const authorization = auth.toBroadcaster.sign(signedKinds.configure, () =>
        signed.configure(nonce, zstd, training, initialDictionary),
      );
      this.asked = true;
      this.socket.send(configureMessage(authorization, { nonce, zstd, training, initialDictionary }));
    } catch (error) {
      this.fail(error);
    }
  }

  message(bytes: Uint8Array): void {
    if (this.connection) {
      this.connection.message(bytes);
      return;
    }
    if (this.failed) return;
    try {
      const message = decodeFromBroadcaster(bytes);
      if (message.kind !== 'confirmConfigure' || !this.asked) {
        throw new ProtocolError(
          `The broadcaster ${this.parts.url} sent ${message.kind} where its confirmation of the connection was due.`,
          { broker },
        );
      }
      this.confirm(message);
    } catch (error) {
      this.fail(error);
    }
  }

  text(): void {
    const error = new ProtocolError(`The broadcaster ${this.parts.url} sent text, which the protocol does not have.`, {
      broker,
    });
    if (this.connection) this.connection.drop(error);
    else this.fail(error);
  }

  alive(): void {
    this.connection?.alive();
  }

  drained(): void {
    this.connection?.drained();
  }

  closed(code: number, reason: string, cause: WeirError | undefined): void {
    const { url, auth } = this.parts;
    const error = goodbye(url, code, reason, cause);
    if (this.connection) this.connection.end(error);
    else if (this.asked && code === 1000) this.fail(notAccepted(url, auth.toBroadcaster.type));
    else this.fail(error);
  }

  /** The time is up. */
  timedOut(): void {
    const { url, options } = this.parts;
    const timeout = options.connectTimeout;
    const what = this.asked ? 'it did not confirm the connection' : 'no websocket was opened';
    this.fail(
      new BrokerTimeoutError(
        `Cannot connect to ${url}: ${what} within ${timeout} ms (connectTimeout). Check the address, and that the broadcaster runs.`,
        { broker, detail: { address: url, timeout } },
      ),
    );
  }

  fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    if (this.connection)
      this.connection.end(new ClosedError(`Nobody waits for ${this.parts.url} any more.`, { broker }));
    else this.socket.terminate();
    this.reject(error);
  }

  private confirm({ nonce, authorization, tracing }: ConfirmConfigure): void {
    const { auth, platform, url } = this.parts;
    const refusal = auth.toSubscriber.verify(
      signedKinds.confirmConfigure,
      () => signed.confirmConfigure(nonce),
      tracing,
      authorization,
    );
    if (refusal) {
      throw new AuthenticationError(`The broadcaster ${url} confirmed the connection ${refusals[refusal]}.`, {
        broker,
        detail: { refusal },
      });
    }
    const both = new Uint8Array(2 * nonceLength);
    both.set(this.nonce);
    both.set(nonce, nonceLength);
    const counters = new Counters(encodeBase64(platform.hashing.sha256(both)));
    this.connection = new Connection(this.socket, this.parts, counters, this.zstd);
    this.resolve(this.connection);
  }
}

/** It closes without a reason where it does not accept an authorization, so that this is a guess. */
function notAccepted(url: string, type: 'none' | 'token' | 'hmac'): AuthenticationError {
  const advice = {
    none: 'it may require an authorization (auth.toBroadcaster)',
    token: 'check the token of auth.toBroadcaster, and that it takes tokens',
    hmac: 'check the secret of auth.toBroadcaster, that it takes HMAC, and the clocks of both machines',
  };
  return new AuthenticationError(
    `The broadcaster ${url} closed the connection instead of confirming it, as it does where it does not accept an authorization: ${advice[type]}.`,
    { broker, detail: { code: 1000 } },
  );
}

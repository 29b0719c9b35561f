import type { WeirError } from '../../core/errors.js';
import type { TlsOptions } from '../../core/tls.js';
import type { Verifier, Signer } from '../auth/auth.js';
import type { Body, BodyWriter } from '../body.js';

/** @internal */
export interface HttpClientOptions {
  readonly tls: TlsOptions | undefined;
  /** Connections to one broadcaster at most. */
  readonly connections: number;
  /** ms */
  readonly connectTimeout: number;
  /** ms for a request as a whole. */
  readonly totalTimeout: number;
}

/** @internal */
export interface HttpRequest {
  /** Scheme, host, port and path prefix of the broadcaster, without a slash at the end. */
  readonly base: string;
  /** Such as `/v1/notify`. */
  readonly path: string;
  readonly authorization: string;
  /** What goes out; `body` follows `head` and is read anew for each request. */
  readonly head: Uint8Array;
  readonly body?: Body | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @internal */
export interface HttpAnswer {
  readonly status: number;
  /** The whole body; an answer beyond 1 MiB is a failure. */
  readonly body: Uint8Array;
  /** ms, from `Retry-After` in seconds or as a date. */
  readonly retryAfter: number | undefined;
}

/** No answer came. @internal */
export interface HttpFailure {
  readonly error: WeirError;
  /** Whether the broadcaster may have had the request: false only where no byte of it left. */
  readonly written: boolean;
}

/** Requests to broadcasters. @internal */
export interface HttpClient {
  /** Rejects with an {@link HttpFailure} (a plain object), also when the signal aborts. */
  post(request: HttpRequest): Promise<HttpAnswer>;
  /** Ends idle connections at once and others with their request; what still runs after `ms` is cut. */
  close(ms: number): Promise<void>;
}

/** A message on its way in, not yet answered. Exactly one of the three is called, once; they never throw. @internal */
export interface Arrival {
  readonly topic: Uint8Array;
  readonly body: Body;
  /** Confirms that so many subscribers of ours have it. */
  accept(subscribers: number): void;
  /** It cannot be taken: a loss. (HTTP: 503, upon which the broadcaster says that it was missed.) */
  refuse(): void;
  /** Nobody here wants it: a subscription that should not be there any more. */
  unwanted(): void;
}

/** Who takes what broadcasters post. @internal */
export interface ArrivalsOverHttp {
  /** The body is complete, and as long and hashed as was said; the authorization was right. */
  arrived(arrival: Arrival): void;
  missed(topic: Uint8Array): void;
  /** A callback was refused, for the log and the `protocol` event. */
  refused(error: WeirError): void;
}

/** @internal */
export interface ListenerOptions {
  /** Where callbacks come in, as the broadcaster has them: with fragment. Undefined until a free port is known. */
  urls(): { readonly receive: string; readonly recover: string };
  /** The path before `/v1/receive`, without a slash at the end; '' for none. */
  readonly prefix: string;
  readonly verifier: () => Verifier;
  readonly signer: () => Signer;
  readonly spoolSize: number;
  readonly maxMessageBytes: number;
  readonly startBody: (spoolSize: number) => BodyWriter;
  /** ms for a callback's headers and for its body. */
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  /** Connections at a time; one more is refused. */
  readonly maxConnections: number;
}

/**
 * Takes Node's request and response, as `node:http`, Express and Nest hand them over. They are typed as plain objects, so that
 * these types need none of Node. `next` is called for a path that is none of the callbacks'.
 */
export type LonelypsRequestHandler = (request: object, response: object, next?: (error?: unknown) => void) => void;

/** @internal */
export interface Listener {
  readonly handler: LonelypsRequestHandler;
  /** Opens the port. @throws InUseError where it is taken, ConnectionError */
  listen(host: string, port: number): Promise<{ readonly host: string; readonly port: number }>;
  /** Takes no more callbacks (503), waits up to `ms` for those that are not answered, ends all connections. */
  close(ms: number): Promise<void>;
}

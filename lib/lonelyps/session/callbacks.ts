import { ClosedError, UnsupportedError, type WeirError } from '../../core/errors.js';
import type { Arrival, Listener, LonelypsRequestHandler } from '../connection/http.js';
import type { ResolvedOptions } from '../options.js';
import type { Platform } from '../platform.js';
import { callbackUrls, listeningHost, type ResolvedReceive } from '../receive-options.js';
import type { Authentication } from './authentication.js';
import type { CallbackUrls } from './listing.js';

/** What {@link Callbacks} are made of. @internal */
export interface CallbacksParts {
  readonly options: ResolvedOptions;
  readonly platform: Platform;
  readonly authentication: Authentication;
  /** They may not throw. */
  readonly hooks: {
    arrived(arrival: Arrival): void;
    missed(topic: Uint8Array): void;
    fault(error: WeirError): void;
  };
}

/** What of a request and its response is used where there is no listener to leave it to. */
interface RequestLike {
  readonly url?: string | undefined;
  readonly originalUrl?: string | undefined;
}
interface ResponseLike {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(): unknown;
}

const nowhere: CallbackUrls = { receive: '', recover: '' };

/** Where broadcasters call back: a port of our own, or a handler that is mounted somewhere. @internal */
export class Callbacks {
  /** Good from the beginning: before there is a connection, and after, broadcasters are told to come another time. */
  readonly handler: LonelypsRequestHandler | undefined;
  private listener: Listener | undefined;
  private opening: Promise<void> | undefined;
  private current: CallbackUrls = nowhere;
  private isClosing = false;

  constructor(private readonly parts: CallbacksParts) {
    const { receive } = parts.options;
    if (receive.kind !== 'handler') return;
    this.current = callbackUrls(receive.host);
    this.listener = this.make(receive.host.prefix);
    this.handler = (request, response, next) => {
      this.handle(request, response, next);
    };
  }

  /** Whether anything comes in. */
  get are(): boolean {
    return this.parts.options.receive.kind !== 'none';
  }

  get urls(): CallbackUrls {
    return this.current;
  }

  /** Opens the port, where there is one to open and it is not open. @throws InUseError, ConnectionError, ClosedError */
  open(): Promise<void> {
    if (this.parts.options.receive.kind !== 'listen') return Promise.resolve();
    this.opening ??= this.listen(this.parts.options.receive);
    return this.opening;
  }

  /** Closes the port, if it is open; `open` can be called anew. */
  async rest(): Promise<void> {
    if (this.parts.options.receive.kind !== 'listen') return;
    const { listener } = this;
    this.listener = undefined;
    this.opening = undefined;
    await listener?.close(0);
  }

  /** From here on all callbacks are refused. */
  refuse(): void {
    this.isClosing = true;
  }

  /** Waits up to `ms` for callbacks that are not answered, and ends all connections. */
  async close(ms: number): Promise<void> {
    this.isClosing = true;
    await this.listener?.close(ms);
  }

  private async listen({ address, port, host }: Extract<ResolvedReceive, { kind: 'listen' }>): Promise<void> {
    const listener = this.make(host?.prefix ?? '');
    this.listener = listener;
    try {
      const bound = await listener.listen(address, port);
      this.current = callbackUrls(host ?? listeningHost(address, bound.port));
    } catch (error) {
      if (this.listener === listener) [this.listener, this.opening] = [undefined, undefined];
      throw error;
    }
    if (this.listener === listener && !this.isClosing) return;
    await listener.close(0);
    throw new ClosedError('nobody waits for callbacks any more', { broker: 'lonelyps' });
  }

  private make(prefix: string): Listener {
    const { options, platform, authentication, hooks } = this.parts;
    const { spoolSize, maxMessageBytes, headersTimeout, bodyTimeout, maxConnections, logger } = options;
    if (platform.http === undefined) {
      throw new UnsupportedError('a page cannot take callbacks; receive over the websocket', { broker: 'lonelyps' });
    }
    return platform.http.listener(
      {
        urls: () => this.current,
        prefix,
        // nothing gets this far before it is there
        verifier: () => authentication.current!.toSubscriber,
        signer: () => authentication.current!.toBroadcaster,
        spoolSize,
        maxMessageBytes,
        startBody: (size) => platform.startBody(size),
        headersTimeout,
        bodyTimeout,
        maxConnections,
      },
      {
        arrived: (arrival) => {
          if (!this.isClosing) {
            hooks.arrived(arrival);
            return;
          }
          arrival.refuse();
          arrival.body.discard();
        },
        missed: (topic) => {
          if (!this.isClosing) hooks.missed(topic);
        },
        refused: (error) => {
          hooks.fault(error);
        },
      },
      logger,
    );
  }

  private handle(...[request, response, next]: Parameters<LonelypsRequestHandler>): void {
    if (this.parts.authentication.current !== undefined || !this.isOurs(request)) {
      this.listener?.handler(request, response, next);
      return;
    }
    const answer = response as ResponseLike;
    answer.statusCode = 503;
    answer.setHeader('content-length', '0');
    // its body is not read
    answer.setHeader('connection', 'close');
    answer.end();
  }

  private isOurs({ originalUrl, url = '' }: RequestLike): boolean {
    const path = (originalUrl ?? url).replace(/[?#].*$/s, '');
    return [this.current.receive, this.current.recover].some((each) => new URL(each).pathname === path);
  }
}

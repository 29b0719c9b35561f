import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConnectionError, InUseError, type WeirError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { messageOf } from '../../core/socket-failures.js';
import { codeOf } from '../../core/tls.js';
import type { ArrivalsOverHttp, Listener, ListenerOptions, LonelypsRequestHandler } from '../connection/http.js';
import type { Callback, CallbackHost, CallbackRequest } from './callback.js';
import { MissedCallback } from './missed-callback.js';
import { ReceiveCallback } from './receive-callback.js';

/** The broadcaster keeps connections for 15 s; a callback that meets the end of one is lost. */
const keepAliveTimeout = 20_000;

/** How often Node looks for requests that are too slow: often enough that the limits are more than rough. */
const checkingInterval = 500;

/** Takes callbacks, on a port of its own or as a handler. @internal */
export function makeListener(options: ListenerOptions, arrivals: ArrivalsOverHttp, log: Logger): Listener {
  return new HttpListener(options, arrivals, log);
}

class HttpListener implements Listener, CallbackHost {
  closing = false;
  readonly #unanswered = new Set<Callback>();
  #server: Server | undefined;
  #allAnswered: (() => void) | undefined;

  constructor(
    readonly options: ListenerOptions,
    readonly arrivals: ArrivalsOverHttp,
    readonly log: Logger,
  ) {}

  readonly handler: LonelypsRequestHandler = (request, response, next) => {
    this.#handle(request as CallbackRequest, response as ServerResponse, next);
  };

  async listen(host: string, port: number): Promise<{ host: string; port: number }> {
    const { headersTimeout, bodyTimeout, maxConnections } = this.options;
    const server = createServer({
      keepAliveTimeout,
      headersTimeout,
      // each callback keeps the limit of its body itself; this one is for requests that are none
      requestTimeout: headersTimeout + bodyTimeout,
      connectionsCheckingInterval: Math.max(50, Math.min(checkingInterval, headersTimeout / 2, bodyTimeout / 2)),
    });
    server.maxConnections = maxConnections;
    server.on('request', (request, response) => this.#handle(request, response, undefined));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(cannotListen(error, host, port)));
      server.listen(port, host, resolve);
    });
    server.removeAllListeners('error');
    server.on('error', (error) => this.log.warn('the listener for callbacks has failed to take a connection', error));
    this.#server = server;
    return { host, port: (server.address() as AddressInfo).port };
  }

  async close(ms: number): Promise<void> {
    this.closing = true;
    const server = this.#server;
    this.#server = undefined;
    const closed = server && new Promise<void>((resolve) => server.close(() => resolve()));
    server?.closeIdleConnections();
    await this.#answered(ms);
    for (const callback of [...this.#unanswered]) callback.unavailable();
    // the last answers are with the system when the next turn begins
    if (server !== undefined) setImmediate(() => server.closeAllConnections());
    await closed;
  }

  ended(callback: Callback): void {
    this.#unanswered.delete(callback);
    if (this.#unanswered.size === 0) this.#allAnswered?.();
  }

  #handle(request: CallbackRequest, response: ServerResponse, next: (() => void) | undefined): void {
    const kind = this.#kindOf(request);
    if (kind === undefined) {
      if (next === undefined) end(response, 404);
      else next();
      return;
    }
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST');
      end(response, 405);
      return;
    }
    const callback = new kind(this, request, response);
    // a connection can bring requests without waiting for answers, so those have a limit too
    const full = this.#unanswered.size >= this.options.maxConnections;
    this.#unanswered.add(callback);
    if (this.closing || full) callback.unavailable();
    else callback.begin();
  }

  #kindOf(request: CallbackRequest): typeof ReceiveCallback | typeof MissedCallback | undefined {
    // frameworks cut off the path that they mounted the handler at, and keep the whole
    const url = (request as { originalUrl?: string }).originalUrl ?? request.url ?? '';
    const query = url.indexOf('?');
    const path = query < 0 ? url : url.slice(0, query);
    const { prefix } = this.options;
    if (!path.startsWith(prefix)) return undefined;
    const rest = path.slice(prefix.length);
    if (rest === '/v1/receive') return ReceiveCallback;
    return rest === '/v1/recover' ? MissedCallback : undefined;
  }

  /** Resolves when no callback waits for its answer, or after `ms`. */
  async #answered(ms: number): Promise<void> {
    if (this.#unanswered.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#allAnswered = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#allAnswered = undefined;
  }
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0 });
  response.end();
}

function cannotListen(error: Error, host: string, port: number): WeirError {
  const code = codeOf(error);
  const at = `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
  const options = { broker: 'lonelyps', cause: error, detail: { address: at, code } } as const;
  if (code === 'EADDRINUSE') {
    return new InUseError(
      `cannot listen at ${at} for callbacks: the port is in use (${code}); choose another in receive.listen, or 0 for any`,
      options,
    );
  }
  const advice: Readonly<Record<string, string>> = {
    EACCES: 'this process may not use the port; choose one from 1024 on',
    EADDRNOTAVAIL: 'this machine does not have the address; check receive.listen.host',
    ENOTFOUND: 'the name has no address; check receive.listen.host',
  };
  return new ConnectionError(
    `cannot listen at ${at} for callbacks: ${advice[code ?? ''] ?? messageOf(error)} (${code ?? error.name})`,
    { ...options, retriable: false },
  );
}

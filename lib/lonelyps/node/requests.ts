import { ClosedError, WeirError } from '../../core/errors.js';
import type { HttpAnswer, HttpClient, HttpClientOptions, HttpFailure, HttpRequest } from '../connection/http.js';
import type { Dispatcher, Undici } from './packages.js';
import { Exchange } from './exchange.js';
import { tlsOfNode } from './tls.js';

/** Less than the 5 s after which uvicorn ends an idle connection: a request that meets that end has an uncertain fate. */
const keepAliveTimeout = 4_000;

/** From so many bytes on, a body in memory goes out on its own instead of being copied behind its head. */
const copied = 256 * 1024;

/** A broadcaster and what leads there. */
interface Base {
  readonly pool: Dispatcher;
  readonly origin: string;
  readonly prefix: string;
}

/** Requests over undici. @throws InvalidOptionError for certificates or keys that cannot be used @internal */
export function makeClient(undici: Undici, options: HttpClientOptions): HttpClient {
  return new Client(undici, options);
}

class Client implements HttpClient {
  readonly #undici: Undici;
  readonly #options: HttpClientOptions;
  readonly #tls: object;
  readonly #bases = new Map<string, Base>();
  readonly #running = new Set<Exchange>();
  #closed = false;

  constructor(undici: Undici, options: HttpClientOptions) {
    this.#undici = undici;
    this.#options = options;
    this.#tls = tlsOfNode(options.tls);
  }

  post(request: HttpRequest): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.#send(request, resolve, reject);
    });
  }

  #send(request: HttpRequest, resolve: (answer: HttpAnswer) => void, reject: (failure: HttpFailure) => void): void {
    const { signal } = request;
    if (this.#closed) {
      reject({ error: closed(request), written: false });
      return;
    }
    if (signal?.aborted === true) {
      reject({ error: givenUp(signal, request), written: false });
      return;
    }
    const { pool, origin, prefix } = this.#base(request.base);
    const ended = (): void => {
      this.#running.delete(exchange);
      signal?.removeEventListener('abort', abort);
    };
    const exchange = new Exchange(origin, request.path, this.#options, { resolve, reject, ended });
    const abort = (): void => exchange.fail(givenUp(signal, request));
    this.#running.add(exchange);
    signal?.addEventListener('abort', abort);
    const body = exchange.bodyOf(request, copied);
    try {
      pool.dispatch({ method: 'POST', path: prefix + request.path, headers: headersOf(request), body }, exchange);
    } catch (error) {
      exchange.fail(error);
    }
  }

  async close(ms: number): Promise<void> {
    this.#closed = true;
    const pools = [...this.#bases.values()].map((base) => base.pool);
    let timer: NodeJS.Timeout | undefined;
    const cut = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        const error = new ClosedError('the request was cut: its handle was closed', { broker: 'lonelyps' });
        for (const exchange of [...this.#running]) exchange.fail(error);
        void Promise.all(pools.map((pool) => pool.destroy(error))).then(
          () => resolve(),
          () => resolve(),
        );
      }, ms);
    });
    await Promise.race([cut, Promise.all(pools.map((pool) => pool.close().catch(() => undefined)))]);
    clearTimeout(timer);
  }

  #base(base: string): Base {
    let found = this.#bases.get(base);
    if (found === undefined) {
      const { origin, pathname } = new URL(base);
      found = { origin, prefix: pathname.replace(/\/$/, ''), pool: this.#pool(origin) };
      this.#bases.set(base, found);
    }
    return found;
  }

  #pool(origin: string): Dispatcher {
    const { connections, connectTimeout } = this.#options;
    return new this.#undici.Pool(origin, {
      connections,
      pipelining: 1,
      keepAliveTimeout,
      keepAliveMaxTimeout: keepAliveTimeout,
      // the whole request has one limit, which each exchange keeps itself
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: connectTimeout, ...this.#tls },
    });
  }
}

function headersOf({ authorization, head, body }: HttpRequest): readonly string[] {
  const length = String(head.length + (body?.length ?? 0));
  const headers = ['content-type', 'application/octet-stream', 'content-length', length];
  if (authorization !== '') headers.push('authorization', authorization);
  return headers;
}

function closed({ path }: HttpRequest): ClosedError {
  return new ClosedError(`POST ${path} was not sent: the handle was closed`, { broker: 'lonelyps' });
}

function givenUp(signal: AbortSignal | undefined, { path }: HttpRequest): WeirError {
  const reason: unknown = signal?.reason;
  if (reason instanceof WeirError) return reason;
  return new ClosedError(`POST ${path} was given up by its caller`, { broker: 'lonelyps', cause: reason });
}

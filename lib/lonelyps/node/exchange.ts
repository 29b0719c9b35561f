import { BrokerTimeoutError, ProtocolError, WeirError } from '../../core/errors.js';
import { codeOf } from '../../core/tls.js';
import type { Body } from '../body.js';
import type { HttpAnswer, HttpClientOptions, HttpFailure, HttpRequest } from '../connection/http.js';
import { connectionLost, notConnected } from './failures.js';
import type { DispatchController, DispatchHandler } from './packages.js';
import { retryAfterOf } from './retry-after.js';

/** An answer is some hundred bytes; what is longer is not a broadcaster's. */
const maxAnswer = 1024 * 1024;

/** @internal */
export interface Outcome {
  resolve(answer: HttpAnswer): void;
  reject(failure: HttpFailure): void;
  /** Called once, before one of the two. */
  ended(): void;
}

/** One request and its answer. @internal */
export class Exchange implements DispatchHandler {
  #controller: DispatchController | undefined;
  #written = false;
  #over = false;
  #status = 0;
  #retryAfter: number | undefined;
  readonly #parts: Uint8Array[] = [];
  #length = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly origin: string,
    private readonly path: string,
    private readonly options: HttpClientOptions,
    private readonly outcome: Outcome,
  ) {
    this.#timer = setTimeout(() => this.fail(this.#timedOut()), options.totalTimeout);
  }

  /** What goes out: in one piece where that costs little. */
  bodyOf({ head, body }: HttpRequest, copied: number): Uint8Array | AsyncIterable<Uint8Array> {
    if (body === undefined) return head;
    if (body.bytes !== undefined && body.length <= copied) return Buffer.concat([head, body.bytes]);
    return this.#parted(head, body);
  }

  onRequestStart(controller: DispatchController): void {
    if (this.#over) {
      controller.abort(new Error('it was given up while it waited for a connection'));
      return;
    }
    this.#controller = controller;
    this.#written = true;
  }

  onResponseStart(
    _controller: DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#status = status;
    this.#retryAfter = retryAfterOf(headers['retry-after'], Date.now());
  }

  onResponseData(_controller: DispatchController, part: Uint8Array): void {
    if (this.#over) return;
    this.#length += part.length;
    if (this.#length > maxAnswer) this.fail(this.#tooLong());
    else this.#parts.push(part);
  }

  onResponseEnd(): void {
    if (this.#over) return;
    this.#end();
    const body = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts, this.#length);
    this.outcome.resolve({ status: this.#status, body, retryAfter: this.#retryAfter });
  }

  onResponseError(_controller: DispatchController, error: Error): void {
    this.fail(error);
  }

  /** There will be no answer. What is still going on is ended. */
  fail(cause: unknown): void {
    if (this.#over) return;
    const written = this.#written;
    const error = this.#errorOf(cause);
    this.#end();
    this.#controller?.abort(error);
    this.outcome.reject({ error, written });
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.outcome.ended();
  }

  async *#parted(head: Uint8Array, body: Body): AsyncIterable<Uint8Array> {
    yield head;
    try {
      for await (const part of body.read()) yield part;
    } catch (error) {
      // undici would wrap it
      this.fail(error);
      throw error;
    }
  }

  #errorOf(cause: unknown): WeirError {
    if (cause instanceof WeirError) return cause;
    const { origin, path } = this;
    if (!this.#written) return notConnected(cause, origin, this.options.connectTimeout);
    if (codeOf(cause) === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') {
      return new ProtocolError(`POST ${path} to ${origin} was cut: its body is not as long as it was before`, {
        broker: 'lonelyps',
        cause,
      });
    }
    return connectionLost(cause, origin, `the answer to POST ${path}`);
  }

  #timedOut(): BrokerTimeoutError {
    const { origin, path } = this;
    const { totalTimeout, connections } = this.options;
    const said = this.#written
      ? 'it answers a notification when all subscribers have answered it'
      : `no connection was free (connections: ${String(connections)})`;
    return new BrokerTimeoutError(
      `no answer of lonelypss at ${origin} to POST ${path} within ${String(totalTimeout)} ms (totalTimeout); ${said}`,
      { broker: 'lonelyps', detail: { address: origin, timeout: totalTimeout } },
    );
  }

  #tooLong(): ProtocolError {
    const { origin, path } = this;
    return new ProtocolError(
      `the answer of ${origin} to POST ${path} is longer than ${String(maxAnswer)} bytes; check that this is a broadcaster`,
      { broker: 'lonelyps', detail: { address: origin, status: this.#status } },
    );
  }
}

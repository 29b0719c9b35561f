import type { IncomingMessage, ServerResponse } from 'node:http';
import { AuthenticationError, ConnectionError, ProtocolError, WeirError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { Refusal } from '../auth/auth.js';
import type { ArrivalsOverHttp, ListenerOptions } from '../connection/http.js';

/** A request as web frameworks leave it: some have read its body already. @internal */
export type CallbackRequest = IncomingMessage & { readonly body?: unknown; readonly rawBody?: unknown };

/** What callbacks ask of the listener that they came in on. @internal */
export interface CallbackHost {
  readonly options: ListenerOptions;
  readonly arrivals: ArrivalsOverHttp;
  readonly log: Logger;
  /** Whether it takes no more callbacks. */
  readonly closing: boolean;
  /** The callback was answered, or nobody waits for an answer any more. */
  ended(callback: Callback): void;
}

/** A body that is refused and shorter than this is read to its end, so that the connection can be used again. */
const drained = 64 * 1024;

const type = 'application/octet-stream';
const nothing = new Uint8Array(0);

/** One request of a broadcaster, from its headers to the answer. @internal */
export abstract class Callback {
  /** Bytes, as announced. */
  protected announced = 0;
  #timer: NodeJS.Timeout | undefined;
  #bodyRead = false;
  #over = false;

  constructor(
    protected readonly host: CallbackHost,
    private readonly request: CallbackRequest,
    private readonly response: ServerResponse,
    /** Such as `RECEIVE`. */
    private readonly name: string,
  ) {}

  /** What the callback does when its headers are good. Calls `read`, or `turnDown`. */
  abstract begin(): void;

  /** A part of the body. With a promise the next one waits. */
  protected abstract part(bytes: Uint8Array): Promise<void> | undefined;

  /** All of the body has come, as many bytes as announced. */
  protected abstract complete(): void;

  /** It is over, and not because of an answer of ours to a whole body: what was stored is to be dropped. */
  protected abstract dropped(): void;

  /** Answered, refused or given up. */
  get over(): boolean {
    return this.#over;
  }

  protected header(name: string): string | undefined {
    const value = this.request.headers[name];
    return typeof value === 'string' ? value : value?.join(', ');
  }

  /** Checks what is announced against a limit, then reads. */
  protected read(limit: number): void {
    const before = this.#readBefore();
    const length = before?.length ?? this.#contentLength();
    if (length === undefined) return this.turnDown(411, 'it has no Content-Length');
    if (length > limit)
      return this.turnDown(413, `it announces ${String(length)} bytes, and may have ${String(limit)}`);
    this.announced = length;
    if (before !== undefined) return this.#take(before);
    if (this.request.readableDidRead || this.request.readableEnded) return this.#misread();
    this.#timer = setTimeout(() => this.#tooSlow(), this.host.options.bodyTimeout);
    this.#listen();
  }

  /** Answers 200. */
  protected answer(body: Uint8Array): void {
    if (this.#over) return;
    this.#end();
    if (this.response.destroyed || this.response.socket?.destroyed === true) {
      this.host.log.debug(`the broadcaster hung up before its ${this.name} callback was answered`);
      return;
    }
    this.#answer(200, body);
  }

  /** Answers that it cannot be taken, which is nobody's fault. */
  unavailable(): void {
    if (this.#over) return;
    this.#end();
    this.dropped();
    this.#answer(503, nothing);
  }

  /**
   * Answers that it is not as it should be. The body of the answer is empty, so that no forged request ends a subscription.
   * @param problem - about "it", the callback
   */
  protected turnDown(status: number, problem: string, cause?: unknown): void {
    if (this.#over) return;
    this.#end();
    this.dropped();
    this.#answer(status, nothing);
    this.host.arrivals.refused(this.#error(status, problem, cause));
  }

  protected turnDownFor(refusal: Exclude<Refusal, undefined>): void {
    const problems = {
      missing: 'it has no authorization',
      wrong:
        'its authorization is wrong; check the secret of auth.toSubscriber, and that receive.host is as it was registered',
      stale: 'its authorization is of another time; check the clocks of this machine and the broadcaster',
      replayed: 'its authorization was used before',
    };
    this.turnDown(refusal === 'missing' ? 401 : 403, problems[refusal]);
  }

  /** Its body could not be stored: no fault of the broadcaster, which will say that it was missed. */
  protected failed(error: unknown): void {
    this.host.log.error(`a ${this.name} callback could not be stored`, error);
    this.unavailable();
  }

  #readBefore(): Uint8Array | undefined {
    const { body, rawBody } = this.request;
    if (rawBody instanceof Uint8Array) return rawBody;
    return body instanceof Uint8Array ? body : undefined;
  }

  #contentLength(): number | undefined {
    const text = this.request.headers['content-length'];
    // Node has seen to it that it is a number
    return text === undefined ? undefined : Number(text);
  }

  #take(body: Uint8Array): void {
    this.#bodyRead = true;
    const wait = this.part(body);
    if (wait === undefined) this.#complete();
    else
      wait.then(
        () => this.#complete(),
        (error: unknown) => this.failed(error),
      );
  }

  #listen(): void {
    const { request } = this;
    request.on('data', (part: Uint8Array) => {
      if (this.#over) return;
      const wait = this.part(part);
      if (wait === undefined) return;
      request.pause();
      wait.then(
        () => request.resume(),
        (error: unknown) => this.failed(error),
      );
    });
    request.on('end', () => {
      this.#bodyRead = true;
      clearTimeout(this.#timer);
      this.#complete();
    });
    request.on('close', () => {
      if (!this.#bodyRead) this.#cutOff();
    });
    // the close that follows says all
    request.on('error', () => undefined);
  }

  #complete(): void {
    if (!this.#over) this.complete();
  }

  #cutOff(): void {
    if (this.#over) return;
    this.#end();
    this.dropped();
    this.host.log.debug(`a ${this.name} callback was cut off in its body`);
  }

  #tooSlow(): void {
    this.turnDown(408, `its body did not come within ${String(this.host.options.bodyTimeout)} ms (bodyTimeout)`);
  }

  #misread(): void {
    this.turnDown(
      500,
      'its body was read by something else, a body parser perhaps: mount the handler before it, or let it leave the bytes ' +
        'of application/octet-stream in request.body',
    );
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.host.ended(this);
  }

  #answer(status: number, body: Uint8Array): void {
    const { response } = this;
    if (response.headersSent || response.destroyed) return;
    const headers: Record<string, string | number> = { 'content-type': type, 'content-length': body.length };
    if (this.host.closing || status === 408 || (!this.#bodyRead && !this.#isShort())) headers['connection'] = 'close';
    response.writeHead(status, headers);
    response.end(body);
    // what is left of a body that nobody wants
    if (!this.#bodyRead) this.request.resume();
  }

  #isShort(): boolean {
    const length = this.#contentLength();
    return length !== undefined && length <= drained;
  }

  #error(status: number, problem: string, cause: unknown): WeirError {
    const { socket } = this.request;
    const from = socket?.remoteAddress;
    const said = `a ${this.name} callback${from === undefined ? '' : ` from ${from}`} was refused with ${String(status)}: ${problem}`;
    const options = { broker: 'lonelyps', cause, detail: { status, from } } as const;
    if (status === 401 || status === 403) return new AuthenticationError(said, options);
    return status === 408 ? new ConnectionError(said, options) : new ProtocolError(said, options);
  }
}

/** What a decoder said, without what it is about. @internal */
export function problemOf(error: unknown): string {
  return error instanceof WeirError ? `it cannot be read (${error.message})` : 'it cannot be read';
}

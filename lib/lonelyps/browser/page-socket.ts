import { systemClock, type Cancel } from '../../core/clock.js';
import { BrokerTimeoutError, ConnectionError, ProtocolError, type WeirError } from '../../core/errors.js';
import type { Socket, SocketHandlers } from '../connection/socket.js';
import type { SocketOptions } from '../platform.js';
import type { WebSocketConstructor, WebSocketLike } from '../web-socket.js';

const broker = 'lonelyps';

/** So many bytes may wait to be sent before `send` asks for a rest, and so few before it goes on. */
const highWater = 1024 * 1024;
const lowWater = 256 * 1024;
/** ms between two looks at how many wait: a page is not told. */
const drainPoll = 20;

const open = 1;
const abnormal = 1006;
const tooBig = 1009;

/** A page's websocket. It cannot ask for a sign of life. @internal */
export class PageSocket implements Socket {
  readonly ping = undefined;

  private readonly socket: WebSocketLike;
  private readonly cancelTimeout: Cancel;
  private opened = false;
  private poll: Cancel | undefined;

  constructor(
    WebSocket: WebSocketConstructor,
    private readonly url: string,
    private readonly options: SocketOptions,
    private readonly handlers: SocketHandlers,
  ) {
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    this.cancelTimeout = systemClock.after(options.connectTimeout, () => this.end(abnormal, '', this.timedOut()));
    socket.onopen = () => {
      this.opened = true;
      this.cancelTimeout();
      handlers.opened();
    };
    socket.onmessage = ({ data }: { readonly data: unknown }) => this.received(data);
    // an error says nothing; the close that follows it has a code at least
    socket.onerror = () => undefined;
    socket.onclose = ({ code, reason }: { readonly code: number; readonly reason: string }) => {
      this.end(code, reason, this.causeOf(code));
    };
  }

  send(bytes: Uint8Array): boolean {
    if (this.socket.readyState !== open) return false;
    this.socket.send(bytes);
    if (this.socket.bufferedAmount > highWater) this.poll ??= systemClock.after(drainPoll, () => this.look());
    return this.poll === undefined;
  }

  close(): void {
    this.socket.close(1000);
  }

  terminate(): void {
    this.detach();
    this.socket.close();
  }

  private received(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) {
      this.handlers.text();
      return;
    }
    const limit = this.options.maxMessageBytes;
    if (data.byteLength <= limit) {
      this.handlers.message(new Uint8Array(data));
      return;
    }
    const what = `${this.url} sent a websocket message of ${data.byteLength} bytes; the limit is ${limit}.`;
    this.end(tooBig, '', new ProtocolError(what, { broker }));
  }

  private look(): void {
    this.poll = undefined;
    if (this.socket.readyState !== open) return;
    if (this.socket.bufferedAmount > lowWater) this.poll = systemClock.after(drainPoll, () => this.look());
    else this.handlers.drained();
  }

  private end(code: number, reason: string, cause: WeirError | undefined): void {
    this.terminate();
    this.handlers.closed(code, reason, cause);
  }

  private detach(): void {
    const { socket } = this;
    this.cancelTimeout();
    this.poll?.();
    this.poll = undefined;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // without a listener, the WebSocket of the package `ws` throws its errors at the process
    socket.onerror = () => undefined;
  }

  private causeOf(code: number): WeirError | undefined {
    const detail = { address: this.url, code };
    if (!this.opened) {
      return new ConnectionError(
        `Cannot connect to ${this.url}: no websocket was opened. A page is not told why; check the address, that the ` +
          'broadcaster runs, and that a page loaded over https connects to wss.',
        { broker, detail },
      );
    }
    return code === abnormal
      ? new ConnectionError(`The connection to ${this.url} broke.`, { broker, detail })
      : undefined;
  }

  private timedOut(): WeirError {
    return new BrokerTimeoutError(
      `Cannot connect to ${this.url}: no websocket within ${this.options.connectTimeout} ms (connectTimeout).`,
      { broker, detail: { address: this.url, timeout: this.options.connectTimeout } },
    );
  }
}

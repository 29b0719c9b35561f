import { BrokerTimeoutError, ConnectionError, ProtocolError, type WeirError } from '../../core/errors.js';
import { messageOf } from '../../core/socket-failures.js';
import { codeOf } from '../../core/tls.js';
import type { Socket, SocketHandlers } from '../connection/socket.js';
import type { SocketOptions } from '../platform.js';
import { connectionLost, notConnected } from './failures.js';
import type { Ws, WsSocket } from './packages.js';
import { tlsOfNode } from './tls.js';

/** So many bytes may wait to be sent before `send` asks for a rest, and so few before it goes on. */
const highWater = 1024 * 1024;
const lowWater = 256 * 1024;

const sending = { binary: true, compress: false } as const;
const open = 1;

/**
 * A websocket of the package ws.
 * @throws InvalidOptionError for certificates or keys that cannot be used
 * @internal
 */
export function openNodeSocket(ws: Ws, url: string, options: SocketOptions, handlers: SocketHandlers): Socket {
  return new NodeSocket(ws, url, options, handlers);
}

class NodeSocket implements Socket {
  readonly #ws: WsSocket;
  readonly #handlers: SocketHandlers;
  readonly #address: string;
  #timer: NodeJS.Timeout | undefined;
  #opened = false;
  #over = false;
  /** `send` has asked for a rest. */
  #resting = false;
  #cause: WeirError | undefined;

  constructor(ws: Ws, url: string, options: SocketOptions, handlers: SocketHandlers) {
    this.#handlers = handlers;
    this.#address = new URL(url).origin;
    this.#ws = new ws.WebSocket(url, {
      // the protocol has compression of its own
      perMessageDeflate: false,
      maxPayload: options.maxMessageBytes,
      followRedirects: false,
      // text is refused whatever it says
      skipUTF8Validation: true,
      ...tlsOfNode(options.tls),
    });
    this.#timer = setTimeout(() => this.#giveUp(options.connectTimeout), options.connectTimeout);
    this.#listen(options);
  }

  send(bytes: Uint8Array): boolean {
    if (this.#over || this.#ws.readyState !== open) return false;
    this.#ws.send(bytes, sending, this.#sent);
    if (this.#ws.bufferedAmount > highWater) this.#resting = true;
    return !this.#resting;
  }

  readonly ping = (): void => {
    if (!this.#over && this.#ws.readyState === open) this.#ws.ping();
  };

  close(): void {
    if (!this.#over) this.#ws.close(1000);
  }

  terminate(): void {
    this.#end();
    this.#ws.terminate();
  }

  #listen(options: SocketOptions): void {
    const ws = this.#ws;
    ws.on('open', () => {
      if (this.#over) return;
      clearTimeout(this.#timer);
      this.#opened = true;
      this.#handlers.opened();
    });
    ws.on('message', (data: Uint8Array, isBinary: boolean) => {
      if (this.#over) return;
      if (isBinary) this.#handlers.message(data);
      else this.#handlers.text();
    });
    const alive = (): void => {
      if (!this.#over) this.#handlers.alive();
    };
    ws.on('pong', alive);
    ws.on('ping', alive);
    ws.on('unexpected-response', (_request: unknown, response: { statusCode: number; destroy(): void }) => {
      this.#cause ??= refused(this.#address, response.statusCode);
      response.destroy();
      // ws leaves the rest to whoever listens to this event
      ws.terminate();
    });
    ws.on('error', (error: Error) => {
      this.#cause ??= this.#opened
        ? broken(error, this.#address, options.maxMessageBytes)
        : notOpened(error, this.#address, options.connectTimeout);
    });
    ws.on('close', (code: number, reason: Uint8Array) => {
      if (this.#over) return;
      this.#end();
      this.#handlers.closed(code, Buffer.from(reason).toString(), this.#cause);
    });
  }

  /** One for all messages, so that none needs a function of its own. */
  readonly #sent = (): void => {
    if (!this.#resting || this.#over || this.#ws.bufferedAmount > lowWater) return;
    this.#resting = false;
    this.#handlers.drained();
  };

  #giveUp(connectTimeout: number): void {
    this.#cause ??= new BrokerTimeoutError(
      `cannot connect to lonelypss at ${this.#address}: no websocket within ${String(connectTimeout)} ms ` +
        '(connectTimeout); check the address, and that this is the port of a broadcaster',
      { broker: 'lonelyps', detail: { address: this.#address, timeout: connectTimeout } },
    );
    // an error and the close follow
    this.#ws.terminate();
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }
}

function refused(address: string, status: number): WeirError {
  const advice =
    status === 404
      ? 'check the path before /v1/websocket, and that this is a broadcaster'
      : 'it offers no websocket there';
  return new ConnectionError(
    `cannot connect to lonelypss at ${address}: it answered ${String(status)} instead of opening a websocket; ${advice}`,
    // a proxy says these while the broadcaster behind it starts
    { broker: 'lonelyps', detail: { address, status }, retriable: status >= 500 || status === 408 || status === 429 },
  );
}

function notOpened(error: Error, address: string, connectTimeout: number): WeirError {
  const code = codeOf(error);
  // what ws itself says of the answer has no code
  if (code !== undefined && !code.startsWith('HPE_')) return notConnected(error, address, connectTimeout);
  return new ConnectionError(
    `cannot connect to lonelypss at ${address}: what answers there does not speak WebSocket (${messageOf(error)}); ` +
      'check that this is the port of a broadcaster, and ws or wss',
    {
      broker: 'lonelyps',
      cause: error,
      detail: { address, code },
      retriable: code === undefined && error.message.includes('hang up'),
    },
  );
}

function broken(error: Error, address: string, maxMessageBytes: number): WeirError {
  const code = codeOf(error);
  if (!code?.startsWith('WS_ERR_')) return connectionLost(error, address, 'the websocket was closed');
  const limit = code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? `; the limit is ${String(maxMessageBytes)} bytes` : '';
  return new ProtocolError(`${address} broke the rules of WebSocket: ${error.message} (${code})${limit}`, {
    broker: 'lonelyps',
    cause: error,
    detail: { address, code },
  });
}

import { importPackage, rethrow } from '../../core/optional-package.js';

const broker = 'lonelyps';

/** What is used of undici. @internal */
export interface Undici {
  readonly Pool: new (origin: string, options: object) => Dispatcher;
}

/** Connections to one origin. @internal */
export interface Dispatcher {
  dispatch(request: DispatchRequest, handler: DispatchHandler): boolean;
  close(): Promise<void>;
  destroy(error: Error): Promise<void>;
}

/** @internal */
export interface DispatchRequest {
  readonly method: 'POST';
  readonly path: string;
  /** Name, value, name, value … */
  readonly headers: readonly string[];
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
}

/** @internal */
export interface DispatchController {
  abort(reason: Error): void;
}

/** @internal */
export interface DispatchHandler {
  /** The request gets a connection: from here on, bytes leave. */
  onRequestStart(controller: DispatchController): void;
  onResponseStart(
    controller: DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void;
  onResponseData(controller: DispatchController, part: Uint8Array): void;
  onResponseEnd(controller: DispatchController): void;
  onResponseError(controller: DispatchController, error: Error): void;
}

/** What is used of ws. @internal */
export interface Ws {
  readonly WebSocket: new (url: string, options: object) => WsSocket;
}

/** @internal */
export interface WsSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  on(event: string, listener: (...args: never[]) => void): unknown;
  send(bytes: Uint8Array, options: object, written: (error?: Error | null) => void): void;
  ping(): void;
  close(code: number): void;
  terminate(): void;
}

/** @throws UnsupportedError that names the package to install @internal */
export function loadUndici(): Promise<Undici> {
  const wanted = { name: 'undici', needs: 'lonelyps over HTTP', broker } as const;
  return importPackage<Undici>(wanted, ['Pool'], () => import('undici').catch(rethrow));
}

/** @throws UnsupportedError that names the package to install @internal */
export function loadWs(): Promise<Ws> {
  const wanted = { name: 'ws', needs: 'lonelyps over a websocket', broker } as const;
  return importPackage<Ws>(wanted, ['WebSocket'], () => import('ws').catch(rethrow));
}

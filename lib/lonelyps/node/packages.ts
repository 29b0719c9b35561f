import { UnsupportedError } from '../../core/errors.js';

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
  pause(): void;
  resume(): void;
  close(code: number): void;
  terminate(): void;
}

let undici: Promise<Undici> | undefined;
let ws: Promise<Ws> | undefined;

/** @throws UnsupportedError that names the package to install @internal */
export async function loadUndici(): Promise<Undici> {
  undici ??= importPackage<Undici>('undici', 'Pool', 'over HTTP', () => import('undici').catch(rethrow));
  try {
    return await undici;
  } catch (error) {
    // it can be installed while the process runs
    undici = undefined;
    throw error;
  }
}

/** @throws UnsupportedError that names the package to install @internal */
export async function loadWs(): Promise<Ws> {
  ws ??= importPackage<Ws>('ws', 'WebSocket', 'over a websocket', () => import('ws').catch(rethrow));
  try {
    return await ws;
  } catch (error) {
    ws = undefined;
    throw error;
  }
}

/** Exported for its spec. @internal */
export async function importPackage<T extends object>(
  name: string,
  member: keyof T & string,
  what: string,
  load: () => Promise<unknown>,
): Promise<T> {
  let found: unknown;
  let problem = `whose installed version has no ${member}`;
  let cause: unknown;
  try {
    found = await load();
    if (typeof (found as Record<string, unknown> | undefined)?.[member] === 'function') return found as T;
  } catch (error) {
    cause = error;
    problem = isMissing(error, name) ? 'which is not installed' : `which cannot be loaded (${firstLine(error)})`;
  }
  throw new UnsupportedError(`lonelyps ${what} needs the package ${name}, ${problem}: npm install ${name}`, {
    broker: 'lonelyps',
    cause,
    detail: { package: name },
  });
}

/** Handlers on the imports tell bundlers that a package may be missing. */
function rethrow(error: unknown): never {
  throw error;
}

/** Whether the package itself is not there, rather than something that it loads. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  return String(message).includes(`'${name}'`);
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0]!;
}

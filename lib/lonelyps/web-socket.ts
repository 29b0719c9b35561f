/** What is used of a page's WebSocket; that of Node 22 fits, and that of the package `ws`. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(bytes: Uint8Array): void;
  close(code?: number): void;
}

/** What makes one. */
export type WebSocketConstructor = new (url: string) => WebSocketLike;

import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What came of a connection that somebody wrote to by hand. */
export interface Trickled {
  /** Everything that came back, as text. */
  readonly answer: string;
  /** ms until the other side had ended it. */
  readonly after: number;
}

/**
 * Opens a TCP connection, writes so many bytes at a time, with so many ms before each, and resolves when the other side has
 * ended it. What nobody ends within `patience` ms rejects. With no text it says nothing at all.
 */
export async function trickle(
  to: { readonly host?: string; readonly port: number },
  text: string,
  { bytes = 1, every = 10, patience = 20_000 } = {},
): Promise<Trickled> {
  const socket = connect({ host: to.host ?? '127.0.0.1', port: to.port });
  const started = performance.now();
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk));
  socket.on('error', () => undefined);
  const ended = once(socket, 'close');
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    socket.destroy();
  }, patience);
  try {
    for (let at = 0; at < text.length && !socket.destroyed; at += bytes) {
      await delay(every);
      if (socket.writable) socket.write(text.slice(at, at + bytes), 'latin1');
    }
    await ended;
    if (isLate) throw new Error(`Nobody ended the connection within ${patience} ms.`);
    return { answer, after: performance.now() - started };
  } finally {
    clearTimeout(timer);
  }
}

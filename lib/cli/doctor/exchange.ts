import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Endpoint } from '../url.js';

/** What came back. */
export interface Answer {
  readonly bytes: Buffer;
  /** Whether the peer ended the connection. */
  readonly closed: boolean;
}

/** How to ask. */
export interface Question {
  readonly endpoint: Endpoint;
  /** What is sent first; undefined: nothing, the peer is to begin. */
  readonly send?: Uint8Array | undefined;
  /** Whether that is enough. Default: any byte is. */
  readonly enough?: ((bytes: Buffer) => boolean) | undefined;
  /** How long to wait for an answer, in ms. */
  readonly wait: number;
  /** Whether to ask over TLS, without a look at the certificate: only what is spoken behind it is wanted. */
  readonly tls?: { readonly options: object } | undefined;
}

const mostBytes = 64 * 1024;

/** Connects, says something and listens. Never rejects: where there is no connection, nothing comes back. */
export function ask({ endpoint, send, enough = () => true, wait, tls }: Question): Promise<Answer> {
  return new Promise((resolve) => {
    const socket: Socket =
      tls === undefined ? connect(endpoint) : connectTls({ ...endpoint, ...tls.options, rejectUnauthorized: false });
    let bytes = Buffer.alloc(0);
    const done = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ bytes, closed });
    };
    const timer = setTimeout(() => done(false), wait);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      if (send !== undefined) socket.write(send);
    });
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (enough(bytes) || bytes.length > mostBytes) done(false);
    });
    socket.on('error', () => done(true));
    socket.on('end', () => done(true));
    socket.on('close', () => done(true));
  });
}

import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';

/** An answer to a callback. */
export interface CallbackAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** A callback as a broadcaster makes it, and what is to be wrong with it. */
export interface CallbackOptions {
  readonly path?: string;
  readonly method?: string;
  readonly topic?: Uint8Array | string;
  readonly message?: Uint8Array | string;
  readonly identifier?: Uint8Array;
  readonly tracing?: Uint8Array;
  /** Instead of the message's own length. */
  readonly length?: bigint;
  /** Added after the message. */
  readonly extra?: Uint8Array;
  /** Added to the headers, or left out where undefined. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** The body of a RECEIVE callback. */
export function receiveBody(options: CallbackOptions = {}): Buffer {
  const {
    topic = 'foo/bar',
    message = 'Hello, world!',
    tracing = new Uint8Array(0),
    extra = new Uint8Array(0),
  } = options;
  const identifier = options.identifier ?? randomBytes(8);
  const bytes = Buffer.from(message);
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(options.length ?? BigInt(bytes.length));
  return Buffer.concat([
    lp16(tracing),
    lp16(Buffer.from(topic)),
    Buffer.of(identifier.length),
    identifier,
    length,
    bytes,
    extra,
  ]);
}

/** The body of a MISSED callback. */
export function missedBody(topic: Uint8Array | string, tracing = new Uint8Array(0)): Buffer {
  return Buffer.concat([lp16(tracing), lp16(Buffer.from(topic))]);
}

/** Posts a RECEIVE callback to a port of this machine. */
export function postReceive(port: number, options: CallbackOptions = {}): Promise<CallbackAnswer> {
  const digest = createHash('sha512')
    .update(options.message ?? 'Hello, world!')
    .digest('base64');
  const headers = { 'repr-digest': `sha-512=${digest}`, ...options.headers };
  return post(port, receiveBody(options), { path: '/v1/receive', ...options, headers });
}

/** Posts a MISSED callback. */
export function postMissed(port: number, body: Uint8Array, options: CallbackOptions = {}): Promise<CallbackAnswer> {
  return post(port, body, { path: '/v1/recover', ...options });
}

/** Posts anything. */
export function post(port: number, body: Uint8Array, options: CallbackOptions = {}): Promise<CallbackAnswer> {
  const { path = '/', method = 'POST' } = options;
  const given = {
    'content-type': 'application/octet-stream',
    'content-length': String(body.length),
    ...options.headers,
  };
  const headers = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
  return new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (res) => {
      const parts: Buffer[] = [];
      res.on('data', (part: Buffer) => parts.push(part));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(parts) }));
      res.on('error', reject);
    });
    req.on('error', reject);
    req.end(body);
  });
}

function lp16(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
}

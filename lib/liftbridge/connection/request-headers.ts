import { sensitiveHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { AuthenticationError, InvalidOptionError, type WeirError } from '../../core/errors.js';
import { addressText, type Address } from './address.js';
import type { CallMetadata } from './channel.js';

/** What each request begins with. @internal */
export function baseHeaders(address: Address, secure: boolean): OutgoingHttpHeaders {
  return {
    ':method': 'POST',
    ':scheme': secure ? 'https' : 'http',
    ':authority': addressText(address),
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'rx-weir',
  };
}

/** Adds the metadata to headers. They are marked as secret, so that no table on the way keeps them. @internal */
export function addMetadata(headers: OutgoingHttpHeaders, metadata: CallMetadata): void {
  const names: string[] = [];
  for (const [given, value] of Object.entries(metadata)) {
    if (value === undefined) continue;
    const name = given.toLowerCase();
    if (!/^[0-9a-z_.-]+$/.test(name)) throw refused(given, 'the name may have letters, digits, _ . and - only');
    if (name.startsWith('grpc-') || reserved.has(name)) throw refused(given, 'the name is taken by gRPC or HTTP/2');
    headers[name] = name.endsWith('-bin') ? base64(name, value) : ascii(name, value);
    names.push(name);
  }
  if (names.length > 0) headers[sensitiveHeaders as unknown as string] = names;
}

const reserved = new Set([
  'connection',
  'content-length',
  'content-type',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);

function base64(name: string, value: unknown): string {
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64').replace(/=+$/, '');
  }
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
    throw refused(name, 'the value must be base64, or bytes');
  return value;
}

function ascii(name: string, value: unknown): string {
  if (typeof value !== 'string')
    throw refused(name, 'the value must be a string; bytes go under a name that ends in -bin');
  if (!/^[\x20-\x7e]*$/.test(value)) {
    throw refused(name, 'the value must be printable ASCII; anything else goes under a name that ends in -bin');
  }
  return value.trim();
}

/** Says nothing of the value, which may be a secret. */
function refused(name: string, why: string): InvalidOptionError {
  return new InvalidOptionError(`credentials: the header ${JSON.stringify(name)} is not accepted: ${why}`, {
    broker: 'liftbridge',
  });
}

/** The function that gives the metadata has failed, as one does that asks somebody for a token. @internal */
export function noMetadata(error: unknown): WeirError {
  if (error instanceof InvalidOptionError) return error;
  return new AuthenticationError('the function that gives the credentials has failed', {
    broker: 'liftbridge',
    cause: error,
    retriable: true,
  });
}

/** A time in milliseconds as the header `grpc-timeout` has it, which is eight digits at most: rounded up, never shorter. @internal */
export function grpcTimeout(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  if (whole < 1e8) return `${String(whole)}m`;
  const seconds = Math.ceil(whole / 1_000);
  if (seconds < 1e8) return `${String(seconds)}S`;
  return `${String(Math.min(Math.ceil(seconds / 3_600), 99_999_999))}H`;
}

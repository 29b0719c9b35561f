import { InvalidOptionError } from '../../core/errors.js';
import { decodeBase64Url } from './base64.js';

/** How one direction is authorized, as a secrets file says it. @internal */
export type SecretSide =
  | { readonly type: 'none' }
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'hmac'; readonly secret: Uint8Array };

/** Both directions. @internal */
export interface Secrets {
  readonly toBroadcaster: SecretSide;
  readonly toSubscriber: SecretSide;
}

const version = '2';
/** The key of HMAC-SHA-512 that the protocol wants, bytes. @internal */
export const hmacKeyLength = 64;

/**
 * Reads a `subscriber-secrets.json` (or `broadcaster-secrets.json`, which says the same).
 * @throws InvalidOptionError that says what is wrong and nothing of what is in it; the caller adds which file it is
 * @internal
 */
export function parseSecrets(json: string): Secrets {
  const file = parsed(json);
  if (!isRecord(file)) throw invalid('it is no JSON object');
  if (file['version'] !== version) throw invalid(`its version is not "${version}", the one that is known`);
  return { toBroadcaster: side(file, 'to-broadcaster'), toSubscriber: side(file, 'to-subscriber') };
}

function side(file: Record<string, unknown>, name: string): SecretSide {
  const value = file[name];
  if (value === undefined) return { type: 'none' };
  if (!isRecord(value)) throw invalid(`"${name}" is no object`);
  const { type, secret } = value;
  if (type !== 'token' && type !== 'hmac') throw invalid(`the type of "${name}" is neither "token" nor "hmac"`);
  if (typeof secret !== 'string') throw invalid(`the secret of "${name}" is not there, or no string`);
  if (type === 'hmac') return { type, secret: hmacKey(secret, name) };
  if (!isToken(secret)) throw invalid(`the secret of "${name}" is empty, or has characters that no header can have`);
  return { type, token: secret };
}

function hmacKey(secret: string, name: string): Uint8Array {
  const key = decodeBase64Url(secret);
  if (key?.length === hmacKeyLength) return key;
  throw invalid(`the secret of "${name}" is not ${String(hmacKeyLength)} bytes in URL-safe base64`);
}

/** Whether it can be sent in a header as it is: printable ASCII, no space at either end. @internal */
export function isToken(text: string): boolean {
  return /^[!-~](?:[ -~]*[!-~])?$/.test(text);
}

// what JSON.parse throws has a piece of the text in it, so that error ends here
function parsed(json: string): unknown {
  try {
    return JSON.parse(json.replace(/^\uFEFF/, '')) as unknown;
  } catch {
    throw invalid('it is no JSON');
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(problem: string): InvalidOptionError {
  return new InvalidOptionError(`the secrets of lonelyps cannot be read: ${problem}`, { broker: 'lonelyps' });
}

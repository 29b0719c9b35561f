import { open } from 'node:fs/promises';
import { inspect } from 'node:util';
import { InvalidOptionError } from '../../core/errors.js';
import { codeOf } from '../../core/tls.js';
import type { AuthSide, LonelypsAuth } from '../auth/auth-options.js';
import { parseSecrets, type SecretSide } from '../codec/secrets.js';

/** Such a file has some 300 bytes. */
const maxSize = 64 * 1024;

/**
 * Reads how to authorize from the `subscriber-secrets.json` (or `broadcaster-secrets.json`) that `lonelypss --setup` writes.
 * What it resolves to is for the option `auth`, which takes the promise as well.
 * @throws InvalidOptionError (as a rejection) where the file cannot be read, or is not as it should be; what is in it is never
 * part of the error
 */
export async function authFromFile(path: string | URL): Promise<LonelypsAuth> {
  const text = await readText(path);
  try {
    const { toBroadcaster, toSubscriber } = parseSecrets(text);
    return { toBroadcaster: unseen(toBroadcaster), toSubscriber: unseen(toSubscriber) };
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : 'it is not as it should be');
  }
}

/** Its secret is shown neither by JSON, as a getter of the prototype, nor by `inspect`. */
abstract class Unseen {
  abstract readonly type: AuthSide['type'];

  [inspect.custom](): object {
    return { type: this.type };
  }
}

class Token extends Unseen {
  readonly type = 'token';
  readonly #token: string;

  constructor(token: string) {
    super();
    this.#token = token;
  }

  get token(): string {
    return this.#token;
  }
}

class Key extends Unseen {
  readonly type = 'hmac';
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    super();
    this.#secret = secret;
  }

  get secret(): Uint8Array {
    return this.#secret;
  }
}

function unseen(side: SecretSide): AuthSide {
  if (side.type === 'none') return side;
  return side.type === 'token' ? new Token(side.token) : new Key(side.secret);
}

async function readText(path: string | URL): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const bytes = Buffer.alloc(maxSize + 1);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
      if (bytesRead > maxSize) throw new Error(`it has more than ${String(maxSize)} bytes`);
      return bytes.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : 'it cannot be read', codeOf(error));
  }
}

function invalid(path: string | URL, problem: string, code?: string): InvalidOptionError {
  return new InvalidOptionError(`authFromFile('${String(path)}'): ${problem}`, {
    broker: 'lonelyps',
    detail: { file: String(path), code },
  });
}

import type { Clock } from '../../core/clock.js';
import { checkOptions } from '../../core/check.js';
import { AuthenticationError, WeirError } from '../../core/errors.js';
import { authShape, type LonelypsAuth } from '../auth/auth-options.js';
import type { Auth } from '../auth/auth.js';
import { makeAuth } from '../auth/make-auth.js';
import type { Platform } from '../platform.js';

/** What {@link Authentication} is made of. @internal */
export interface AuthenticationParts {
  readonly options: { readonly auth: LonelypsAuth | PromiseLike<LonelypsAuth> | undefined };
  readonly platform: Platform;
  readonly clock: Clock;
}

/** Both directions, made once: the memory of used signatures must outlive every connection. @internal */
export class Authentication {
  private made: Auth | undefined;

  constructor(private readonly parts: AuthenticationParts) {}

  /** Undefined until `get` has resolved. */
  get current(): Auth | undefined {
    return this.made;
  }

  /**
   * After the platform was loaded.
   * @throws what the promise that was given as `auth` rejects with, as a WeirError; InvalidOptionError for what it resolves to
   */
  async get(): Promise<Auth> {
    const { options, platform, clock } = this.parts;
    if (this.made !== undefined) return this.made;
    const auth = await given(options.auth);
    this.made ??= makeAuth(auth, {
      hashing: platform.hashing,
      random: (length) => platform.random(length),
      now: () => clock.now(),
    });
    return this.made;
  }
}

async function given(option: AuthenticationParts['options']['auth']): Promise<LonelypsAuth> {
  let auth: LonelypsAuth | undefined;
  try {
    auth = await option;
  } catch (error) {
    if (error instanceof WeirError) throw error;
    // the cause may have a piece of a secret in it, and is the user's own
    throw new AuthenticationError('the promise that lonelyps() was given as auth was rejected; see cause', {
      broker: 'lonelyps',
      cause: error,
    });
  }
  checkOptions('the auth of lonelyps()', auth, authShape);
  return auth ?? {};
}

import type { WeirError } from '../../core/errors.js';
import { sameBytes } from '../connection/same-bytes.js';
import type { Attempts } from './attempts.js';
import type { Listing } from './listing.js';
import type { Requests } from './requests.js';
import type { Result, Verdict } from './verdict.js';

/** How many bytes one more subscription may cost, and how many one in a whole list does: by these a change is sent alone. */
const costAlone = 65_536;
const costListed = 128;

/** A request came to nothing. @internal */
export class Unsuccessful extends Error {
  constructor(readonly result: Exclude<Result<never>, { kind: 'done' }>) {
    super(result.error.message);
  }
}

/** The list that broadcasters keep for our URL. What cannot be done is an {@link Unsuccessful}. @internal */
export class KeptList {
  /** Whether a broadcaster may have something of ours. */
  touched = false;
  /** Ends the requests that run. */
  private posts = new AbortController();
  /** Lets no attempt follow those that run. */
  private tries = new AbortController();

  constructor(private readonly attempts: Attempts) {}

  /** There is a broadcaster to ask. */
  begin(): void {
    this.posts = new AbortController();
    this.tries = new AbortController();
  }

  /** Lets what runs come to its end, and tries no more. */
  repeatNoMore(): void {
    this.tries.abort();
  }

  /** Ends what runs. */
  abort(): void {
    this.tries.abort();
    this.posts.abort();
  }

  /** What the list is known by. */
  etag(requests: Requests): Promise<Uint8Array> {
    const { signal } = this.posts;
    return this.run((base) => requests.check(base, signal));
  }

  /**
   * Sets the list, and makes sure that this is what the broadcaster has then.
   * @returns whether it has
   */
  async replace(requests: Requests, wanted: Listing, none: Listing): Promise<boolean> {
    await this.set(requests, wanted);
    if (sameBytes(await this.etag(requests), wanted.etag)) return true;
    // a subscription that is there keeps the recovery URL that it has: it must go first
    await this.set(requests, none);
    await this.set(requests, wanted);
    return sameBytes(await this.etag(requests), wanted.etag);
  }

  /** Brings it from what it is known to be to what is wanted, at the least cost. */
  async adapt(requests: Requests, known: Listing, wanted: Listing): Promise<void> {
    const added = [...wanted.patterns.values()].filter(({ key }) => !known.patterns.has(key));
    const removed = [...known.patterns.values()].filter(({ key }) => !wanted.patterns.has(key));
    if (costAlone * (added.length + removed.length) >= costListed * (wanted.patterns.size + added.length)) {
      await this.set(requests, wanted);
      return;
    }
    const { signal } = this.posts;
    this.touched = true;
    for (const pattern of added) await this.run((base) => requests.change(base, true, pattern, signal));
    for (const pattern of removed) await this.run((base) => requests.change(base, false, pattern, signal));
  }

  /**
   * Empties it, at each broadcaster that has to be asked once.
   * @param signal - ends it
   * @returns why it could not be done
   */
  async takeBack(requests: Requests, none: Listing, signal: AbortSignal): Promise<WeirError | undefined> {
    const result = await this.attempts.run((base) => requests.set(base, none, signal), {
      repeat: true,
      passes: 1,
      stop: signal,
    });
    return result.kind === 'done' ? undefined : result.error;
  }

  private async set(requests: Requests, listing: Listing): Promise<void> {
    const { signal } = this.posts;
    this.touched = true;
    await this.run((base) => requests.set(base, listing, signal));
  }

  private async run<T>(attempt: (base: string) => Promise<Verdict<T>>): Promise<T> {
    const result = await this.attempts.run(attempt, { repeat: true, stop: this.tries.signal });
    if (result.kind === 'done') return result.value;
    throw new Unsuccessful(result);
  }
}

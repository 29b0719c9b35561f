import { Backoff } from '../../core/backoff.js';
import type { Cancel, Clock } from '../../core/clock.js';
import { ConnectionError, ProtocolError, type WeirError } from '../../core/errors.js';
import { asFault, gaveUp } from '../../core/gave-up.js';
import { sameBytes } from '../connection/same-bytes.js';
import type { ResolvedOptions } from '../options.js';
import type { Hashing } from '../platform.js';
import { Quiet } from '../quiet.js';
import type { Attempts } from './attempts.js';
import { KeptList, Unsuccessful } from './kept-list.js';
import { listingOf, type CallbackUrls, type Listing } from './listing.js';
import type { Requests } from './requests.js';
import { Settling } from './settling.js';
import type { Wanted } from './wanted.js';

/** What {@link Registration} is made of. @internal */
export interface RegistrationParts {
  readonly options: Pick<ResolvedOptions, 'checkInterval' | 'reconnect' | 'logger'>;
  readonly clock: Clock;
  readonly hashing: () => Pick<Hashing, 'sha512'>;
  readonly wanted: Wanted;
  readonly attempts: Attempts;
  readonly hooks: {
    /** The broadcaster does not have what is wanted. Once, until `resumed`. */
    suspended(cause: WeirError): void;
    /** It has. */
    resumed(): void;
    /** No broadcaster could be connected to: `end` is to be called. */
    down(cause: WeirError): void;
    /** The broadcaster keeps something else than it was told. */
    fault(error: WeirError): void;
    /** Given up. */
    failed(error: WeirError): void;
  };
}

/** A connection: where requests go. */
interface Link {
  readonly requests: Requests;
  readonly urls: CallbackUrls;
}

/** ms after which the list is looked at once more where it had to be repaired: broadcasters sweep that often. */
const soonAgain = 10_000;

/**
 * Sees to it that the broadcaster has, for our URL, the list of what is wanted: one request at a time, changes meanwhile taken
 * together. It is compared on a timer and after failures, and set again after a loss, because a broadcaster drops a
 * subscription whose message it could not deliver.
 * @internal
 */
export class Registration {
  private link: Link | undefined;
  /** What the broadcaster has; undefined: nobody knows. */
  private known: Listing | undefined;
  /** What it is being told. */
  private coming: Listing | undefined;
  private running: Promise<void> | undefined;
  private mustSet = false;
  private mustCheck = false;
  private isSuspended = false;
  private isClosed = false;
  /** A list that is set before it is quiet is lost with the subscription that it was for. */
  private readonly losses: Quiet;
  private nextCheck: { readonly at: number; readonly cancel: Cancel } | undefined;
  private cancelRetry: Cancel | undefined;
  private readonly backoff: Backoff | undefined;
  private readonly settling = new Settling();
  private readonly kept: KeptList;

  constructor(private readonly parts: RegistrationParts) {
    const { reconnect } = parts.options;
    this.kept = new KeptList(parts.attempts);
    this.losses = new Quiet(parts.clock, () => {
      this.mustSet = true;
      this.kick();
    });
    this.backoff = reconnect && new Backoff(reconnect);
  }

  /** There is a broadcaster, which has the list with that etag. */
  begin(requests: Requests, urls: CallbackUrls, etag: Uint8Array): void {
    this.link = { requests, urls };
    this.kept.begin();
    this.backoff?.reset();
    this.mustCheck = false;
    const wanted = this.listing(urls);
    const none = this.empty(urls);
    this.known = [wanted, none].find((each) => sameBytes(each.etag, etag));
    if (!sameBytes(none.etag, etag)) this.kept.touched = true;
    if (this.known !== wanted) {
      this.suspend(new ConnectionError('subscriptions are being set', { broker: 'lonelyps' }));
    }
    this.kick();
  }

  /** There is none. */
  end(): void {
    this.link = undefined;
    this.known = undefined;
    this.kept.abort();
    this.nextCheck?.cancel();
    this.nextCheck = undefined;
    this.cancelRetry?.();
  }

  /** There will be none: nobody needs to wait. */
  release(): void {
    this.losses.forget();
    this.mustSet = false;
    this.isSuspended = false;
    this.settling.end();
  }

  /** What is wanted has changed. */
  change(): void {
    const { wanted } = this.parts;
    this.settling.keep((key) => wanted.has(key));
    this.kick();
  }

  /** A loss was told. */
  repair(): void {
    if (!this.isClosed) this.losses.hear();
  }

  /** The list may be gone: it is compared. */
  verify(): void {
    this.mustCheck = true;
    this.kick();
  }

  /** Resolves when the broadcaster has what is wanted now. */
  settled(): Promise<void> {
    const { wanted } = this.parts;
    if (this.isClosed) return Promise.resolve();
    return this.settling.wait([...wanted.keys()].filter((key) => !this.has(key)));
  }

  /** Lets those go on who waited for what the broadcaster has. */
  private met(): void {
    this.settling.met([...this.parts.wanted.keys()].filter((key) => this.has(key)));
  }

  /** Whether the broadcaster has it for certain: a loss makes all doubtful, and what runs may be about to take it back. */
  private has(key: string): boolean {
    if (this.mustSet || this.losses.awaited) return false;
    if (this.coming !== undefined && !this.coming.patterns.has(key)) return false;
    return this.known?.patterns.has(key) === true;
  }

  /**
   * Takes everything back, where a broadcaster has something.
   * @param requests - where there is a client, though no broadcaster could be reached last time
   * @param signal - ends it, come what may
   */
  async close(
    last: { readonly requests: Requests; readonly urls: CallbackUrls } | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    this.isClosed = true;
    this.release();
    this.nextCheck?.cancel();
    this.cancelRetry?.();
    this.kept.repeatNoMore();
    const cut = (): void => {
      this.kept.abort();
    };
    signal.addEventListener('abort', cut);
    // what runs may be setting the list: an empty one that overtakes it would be in vain
    await this.running;
    signal.removeEventListener('abort', cut);
    if (last === undefined || !this.kept.touched || signal.aborted) return;
    const error = await this.kept.takeBack(last.requests, this.empty(last.urls), signal);
    if (error !== undefined) this.parts.options.logger.warn('the subscriptions could not be taken back', error);
  }

  private kick(): void {
    if (this.running !== undefined || this.link === undefined || this.isClosed) return;
    this.cancelRetry?.();
    const { link } = this;
    this.running = this.work(link).then(
      () => {
        this.running = undefined;
        // something may have come while it ended, and the link may be another
        if (this.link !== undefined && (this.link !== link || !this.isDone(this.link))) this.kick();
        else if (this.link !== undefined) this.rest();
      },
      (error: unknown) => {
        this.running = undefined;
        this.failed(error, link);
      },
    );
  }

  private isDone({ urls }: Link): boolean {
    if (this.isClosed) return true;
    return !this.mustSet && !this.mustCheck && this.known !== undefined && this.isCurrent(this.known, urls);
  }

  private async work(link: Link): Promise<void> {
    while (!this.isClosed && this.link === link && !this.isDone(link)) await this.step(link);
  }

  private async step(link: Link): Promise<void> {
    const { known } = this;
    const wanted = this.listing(link.urls);
    if (this.mustSet || known === undefined) {
      const repaired = this.mustSet;
      [this.mustSet, this.mustCheck] = [false, false];
      this.known = undefined;
      const isKept = await this.kept.replace(link.requests, wanted, this.empty(link.urls));
      if (!isKept) this.parts.hooks.fault(otherList(link.urls));
      if (repaired || !isKept) this.checkAfter(soonAgain);
    } else if (this.mustCheck) {
      this.mustCheck = false;
      const etag = await this.kept.etag(link.requests);
      if (sameBytes(etag, known.etag)) return;
      this.known = undefined;
      this.suspend(
        new ConnectionError('the broadcaster did not have the subscriptions any more; they are set again', {
          broker: 'lonelyps',
        }),
      );
      return;
    } else {
      this.coming = wanted;
      try {
        await this.kept.adapt(link.requests, known, wanted);
      } finally {
        this.coming = undefined;
      }
    }
    // while it was asked, the link may have gone
    if (this.link !== link) return;
    this.known = wanted;
    this.met();
  }

  /** The broadcaster has what is wanted. */
  private rest(): void {
    if (this.isClosed) return;
    this.backoff?.reset();
    // a broadcaster that came back may have kept the list: then nothing was sent that would have told those who wait
    this.met();
    this.checkAfter(this.parts.options.checkInterval);
    if (!this.isSuspended) return;
    this.isSuspended = false;
    this.parts.hooks.resumed();
  }

  private failed(error: unknown, link: Link): void {
    if (this.isClosed) return;
    if (this.link !== link) {
      this.kick();
      return;
    }
    const { hooks, options, clock } = this.parts;
    const cause = error instanceof Unsuccessful ? error.result.error : asFault('lonelyps', error);
    this.known = undefined;
    if (error instanceof Unsuccessful && error.result.kind === 'unwritten') {
      hooks.down(cause);
      return;
    }
    const wait = this.backoff?.next();
    if (wait === undefined) {
      const attempts = this.backoff?.attempts ?? 0;
      hooks.failed(attempts > 0 ? gaveUp('lonelyps', 'subscriptions could not be set', attempts, cause) : cause);
      return;
    }
    options.logger.warn(`setting the subscriptions again in ${Math.round(wait)} ms`, cause);
    this.suspend(cause);
    this.cancelRetry = clock.after(wait, () => {
      this.kick();
    });
  }

  private suspend(cause: WeirError): void {
    if (this.isSuspended) return;
    this.isSuspended = true;
    this.parts.hooks.suspended(cause);
  }

  /** Of two times the earlier counts. */
  private checkAfter(ms: number): void {
    // what ran may have come to its end after the link has, or the session
    if (this.isClosed || this.link === undefined) return;
    const { clock, options } = this.parts;
    const wait = Math.min(ms, options.checkInterval);
    const at = clock.now() + wait;
    if (wait === Infinity || (this.nextCheck !== undefined && this.nextCheck.at <= at)) return;
    this.nextCheck?.cancel();
    const cancel = clock.after(wait, () => {
      this.nextCheck = undefined;
      this.verify();
    });
    this.nextCheck = { at, cancel };
  }

  private isCurrent(known: Listing, urls: CallbackUrls): boolean {
    const { wanted } = this.parts;
    if (known.patterns.size !== wanted.size) return false;
    for (const key of wanted.keys()) if (!known.patterns.has(key)) return false;
    return urls === this.link?.urls;
  }

  private listing(urls: CallbackUrls): Listing {
    return listingOf(this.parts.wanted.patterns(), urls, this.parts.hashing());
  }

  private empty(urls: CallbackUrls): Listing {
    return listingOf([], urls, this.parts.hashing());
  }
}

function otherList({ receive }: CallbackUrls): ProtocolError {
  return new ProtocolError(
    `the broadcaster has other subscriptions for ${receive} than it was given; check that no other subscriber has the ` +
      'same receive.host',
    { broker: 'lonelyps' },
  );
}

import { counterUrl } from '../codec/counter-url.js';

/**
 * Names the messages of one connection, so that what is signed is good for one message alone. Which messages count is a matter
 * of their type, signed or not; ours count down from -1, the broadcaster's up from 1.
 * @internal
 */
export class Counters {
  private own = 0;
  private broadcasters = 0;

  /** @param nonce - of the connection, in base64 */
  constructor(private readonly nonce: string) {}

  /** The number of our next message that counts. */
  nextOwn(): number {
    return --this.own;
  }

  /** The number of the broadcaster's next one. */
  nextOfBroadcaster(): number {
    return ++this.broadcasters;
  }

  /** What stands where an URL is signed over HTTP. */
  url(counter: number): string {
    return counterUrl(this.nonce, counter);
  }
}

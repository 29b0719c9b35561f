/** The most messages that are remembered. */
const most = 65_536;

/** What came lately, by topic and hash, so that a copy is known. Bounded by time and by number. @internal */
export class Recent {
  /** When each was seen; the oldest first. */
  private readonly seen = new Map<string, number>();

  /** @param ms - how long a message is remembered */
  constructor(private readonly ms: number) {}

  /** Whether it was here before; it is remembered from here on. */
  has(channel: string, sha512: Uint8Array, now: number): boolean {
    this.forget(now);
    const key = keyOf(channel, sha512);
    if (this.seen.has(key)) return true;
    this.seen.set(key, now);
    return false;
  }

  /** It was not taken after all: it may come again. */
  drop(channel: string, sha512: Uint8Array): void {
    this.seen.delete(keyOf(channel, sha512));
  }

  private forget(now: number): void {
    for (const [key, time] of this.seen) {
      // a clock that was set back must not keep them for ever
      const fresh = time > now - this.ms && time <= now;
      if (fresh && this.seen.size < most) return;
      this.seen.delete(key);
    }
  }
}

function keyOf(channel: string, sha512: Uint8Array): string {
  return `${String.fromCharCode(...sha512.subarray(0, 32))}${channel}`;
}

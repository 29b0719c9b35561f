/** How much memory was gained at most. Bytes. */
export interface Growth {
  readonly rssGrowth: number;
  /** Of the heap, and of all that it keeps outside of it. */
  readonly managedGrowth: number;
}

/** Watches the memory of its own process, which needs --expose-gc. */
export class Gauge {
  private readonly base = { rss: process.memoryUsage.rss(), managed: managed() };
  private rss = this.base.rss;
  private managed = this.base.managed;

  /** Looks at what the system has given. Cheap. */
  lookAtRss(): void {
    this.rss = Math.max(this.rss, process.memoryUsage.rss());
  }

  /** Looks at what is in use. What waits to be collected is no growth, and how much that is is V8's choice. */
  lookAtManaged(): void {
    this.managed = Math.max(this.managed, managed());
  }

  get growth(): Growth {
    return { rssGrowth: this.rss - this.base.rss, managedGrowth: this.managed - this.base.managed };
  }
}

function managed(): number {
  // a second collection counts out the buffers whose memory the first one gave back in the background
  global.gc?.();
  global.gc?.();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

/** What ends by itself when nobody else ends it. @internal */
export interface Expiring {
  /** When it began, in ms of `performance.now()`. */
  readonly begun: number;
  abandon(): void;
}

/** The spans of deliveries that are not settled, oldest first. One timer watches over all of them. @internal */
export class OpenSpans {
  private readonly open = new Set<Expiring>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** @param timeout - ms after which one is ended */
  constructor(private readonly timeout: number) {}

  add(span: Expiring): void {
    this.open.add(span);
    if (this.timer === undefined) this.watch(this.timeout);
  }

  delete(span: Expiring): void {
    this.open.delete(span);
  }

  /** Ends all that are left. */
  abandonAll(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const span of [...this.open]) span.abandon();
  }

  private watch(ms: number): void {
    // timers hold 31 bits
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.sweep();
      },
      Math.min(ms, 2 ** 31 - 1),
    );
    // a span is no reason for a process to stay; pages have no such thing
    (this.timer as { unref?: () => void }).unref?.();
  }

  private sweep(): void {
    const now = performance.now();
    for (const span of this.open) {
      const left = span.begun + this.timeout - now;
      if (left > 0) {
        this.watch(left);
        return;
      }
      span.abandon();
    }
  }
}

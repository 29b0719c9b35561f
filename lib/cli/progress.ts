import type { Output } from './io.js';

/** How often the line is drawn anew, in ms. */
const interval = 200;

/** One line on a terminal that tells how far it is. Where there is no terminal, nothing. */
export class Progress {
  private readonly timer: NodeJS.Timeout | undefined;
  private drawn = false;

  /** @param text - gives the line, asked for each time that it is drawn */
  constructor(
    private readonly output: Output,
    enabled: boolean,
    private readonly text: () => string,
  ) {
    if (!enabled || output.isTTY !== true) return;
    this.timer = setInterval(() => this.draw(), interval);
    this.timer.unref();
  }

  /** Takes the line away. */
  end(): void {
    clearInterval(this.timer);
    if (this.drawn) this.output.write('\r\u001b[K');
  }

  private draw(): void {
    this.drawn = true;
    const width = (this.output.columns ?? 80) - 1;
    this.output.write(`\r\u001b[K${this.text().slice(0, width)}`);
  }
}

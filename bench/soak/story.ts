/** What happened and what went wrong, by the clock of the run. */
export class Story {
  readonly problems: string[] = [];
  /** Counts what may disturb the order: faults that begin or end, and what handles say of their link. */
  epoch = 0;
  /** Faults that go on. */
  active = 0;
  /** What went before the first thing that went wrong. */
  beginning = '';
  private readonly lines: string[] = [];
  private readonly began = performance.now();
  /** When the last fault ended, in ms of the run. */
  private calmSince = 0;

  constructor(private readonly loud: boolean) {}

  get now(): number {
    return performance.now() - this.began;
  }

  tell(line: string): void {
    const text = `${(this.now / 1000).toFixed(3).padStart(8)} s  ${line}`;
    this.lines.push(text);
    if (this.lines.length > 4_000) this.lines.splice(0, 1_000);
    if (this.loud) console.log(text);
  }

  wrong(what: string): void {
    // the first few tell the story, and one cause may have thousands of consequences
    if (this.problems.length < 50) this.problems.push(what);
    this.tell(`WRONG: ${what}`);
    this.beginning ||= this.last(60);
  }

  /** Tells of a fault while it lasts. */
  async fault(name: string, work: () => Promise<void>): Promise<void> {
    this.epoch++;
    this.active++;
    this.tell(`fault: ${name}`);
    try {
      await work();
    } finally {
      this.active--;
      this.epoch++;
      this.calmSince = this.now;
      this.tell(`  over: ${name}`);
    }
  }

  /** Whether there was a fault in the last `ms` milliseconds. */
  faultWithin(ms: number): boolean {
    return this.active > 0 || (this.epoch > 0 && this.now - this.calmSince < ms);
  }

  last(count: number): string {
    return this.lines.slice(-count).join('\n');
  }
}

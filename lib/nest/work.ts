import { Subscription } from 'rxjs';
import { placeOf, type Delivery } from '../core/delivery.js';
import { Deque } from '../core/deque.js';

/** A message that is worked on. @internal */
export class Task {
  /** Whether nobody waits for it any more: what it does to its delivery has no effect. */
  isCut = false;
  /** Ends what the handler returned. */
  readonly teardown = new Subscription();

  constructor(readonly delivery: Delivery<unknown>) {}
}

/**
 * Runs a handler on the messages of one subscription, so many at a time. What is queued is bounded by the window of the
 * source, as it is unsettled.
 * @internal
 */
export class Work {
  private readonly queue = new Deque<Delivery<unknown>>();
  private readonly tasks = new Set<Task>();
  /** The places of what is queued, at work or kept back: copies of these are dropped, as one settles all. */
  private readonly held = new Set<object>();
  private readonly kept = new Map<Delivery<unknown>, NodeJS.Timeout>();
  private idlers: (() => void)[] = [];
  private stopped = false;

  /** @param run - settles the delivery of the task; must not reject */
  constructor(
    private readonly concurrency: number,
    private readonly run: (task: Task) => Promise<void>,
  ) {}

  /** How many messages are worked on. */
  get active(): number {
    return this.tasks.size;
  }

  arrive(delivery: Delivery<unknown>): void {
    const place = placeOf(delivery);
    if (delivery.settled || this.held.has(place)) return;
    if (this.stopped) {
      delivery.release();
      return;
    }
    this.held.add(place);
    this.queue.push(delivery);
    this.advance();
  }

  /** Releases a message later. Until then it keeps its place in the window. */
  releaseLater(delivery: Delivery<unknown>, ms: number): void {
    if (this.stopped) {
      delivery.release();
      return;
    }
    this.held.add(placeOf(delivery));
    const timer = setTimeout(() => {
      this.kept.delete(delivery);
      this.held.delete(placeOf(delivery));
      delivery.release();
    }, ms);
    this.kept.set(delivery, timer);
  }

  /** Begins nothing more, and gives back what waits. What is at work goes on. */
  stop(): void {
    this.stopped = true;
    this.drop();
  }

  /** Gives back what waits, because its subscription has ended. */
  drop(): void {
    for (let delivery = this.queue.shift(); delivery !== undefined; delivery = this.queue.shift()) {
      this.held.delete(placeOf(delivery));
      delivery.release();
    }
    for (const [delivery, timer] of this.kept) {
      clearTimeout(timer);
      this.held.delete(placeOf(delivery));
      delivery.release();
    }
    this.kept.clear();
  }

  /** Resolves when nothing is at work. */
  idle(): Promise<void> {
    if (this.tasks.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.idlers.push(resolve));
  }

  /** Gives back what is at work and waits for it no longer. @returns how many there were */
  cut(): number {
    const tasks = [...this.tasks];
    for (const task of tasks) {
      task.isCut = true;
      task.delivery.release();
      task.teardown.unsubscribe();
      this.finish(task);
    }
    return tasks.length;
  }

  private advance(): void {
    while (!this.stopped && this.tasks.size < this.concurrency) {
      const delivery = this.queue.shift();
      if (delivery === undefined) return;
      const task = new Task(delivery);
      this.tasks.add(task);
      void this.run(task).then(() => {
        this.finish(task);
      });
    }
  }

  private finish(task: Task): void {
    if (!this.tasks.delete(task)) return;
    if (!this.kept.has(task.delivery)) this.held.delete(placeOf(task.delivery));
    this.advance();
    if (this.tasks.size > 0) return;
    const { idlers } = this;
    this.idlers = [];
    for (const resolve of idlers) resolve();
  }
}

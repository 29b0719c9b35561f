import type { Cancel, Clock } from '../../core/clock.js';
import { Deque } from '../../core/deque.js';

/** Something that has work to do at the end of the turn. @internal */
export abstract class Task {
  /** Whether it waits to be run. Kept by {@link Turns}. */
  queued = false;

  /** Does a bounded piece of the work; adds itself again where some is left. */
  abstract run(): void;
}

/** Milliseconds of real time after which timers and sockets of the process get their chance. */
const longestTurn = 10;

/**
 * Runs tasks at the end of the turn, in rounds, one scheduled call for all of them. A task that is added from within a
 * task waits for its round, so that nothing here ever nests.
 * @internal
 */
export class Turns {
  private readonly tasks = new Deque<Task>();
  private running = false;
  private scheduled = false;
  private postponed: Cancel | undefined;

  constructor(private readonly clock: Clock) {}

  /** Has the task run soon. One that waits already is left where it is. */
  add(task: Task): void {
    if (!task.queued) {
      task.queued = true;
      this.tasks.push(task);
    }
    // asked for even while a round is postponed: a program that lives on microtasks alone would starve that timer
    if (this.running || this.scheduled) return;
    this.scheduled = true;
    this.clock.soon(this.run);
  }

  private readonly run = (): void => {
    const { clock, tasks } = this;
    this.scheduled = false;
    this.postponed?.();
    this.postponed = undefined;
    this.running = true;
    const end = clock.now() + longestTurn;
    try {
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
        task.queued = false;
        task.run();
        if (clock.now() >= end) break;
      }
    } finally {
      this.running = false;
      // also where a subscriber threw: the others must not wait for the next publish
      if (tasks.length > 0) this.postponed = clock.after(0, this.run);
    }
  };
}

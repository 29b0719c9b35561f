import type { Progress } from './track.js';

/** Positions of durables that this handle used lately and remembers what was settled above them. */
const maxRemembered = 1024;

/** What ended subscriptions knew of the logs that they read under a durable's name, for the next under the same name. @internal */
export class ProgressMemory {
  private readonly known = new Map<string, Progress>();

  /** @param log - the stream or partition */
  recall(log: string, durable: string): Progress | undefined {
    return this.known.get(keyOf(log, durable));
  }

  remember(log: string, durable: string, progress: Progress | undefined): void {
    const key = keyOf(log, durable);
    this.known.delete(key);
    if (progress === undefined) return;
    this.known.set(key, progress);
    if (this.known.size <= maxRemembered) return;
    for (const oldest of this.known.keys()) {
      this.known.delete(oldest);
      break;
    }
  }
}

/** Names of logs have no line breaks on any broker, so that two pairs never make the same key. */
function keyOf(log: string, durable: string): string {
  return `${log}\n${durable}`;
}

import type { WeirError } from '../../core/errors.js';
import type { Entry, Publisher } from '../../core/publisher.js';

/** Where a message is stored, or why it is not. @internal */
export type Answer = number | bigint | WeirError;

/**
 * What one read brought. It is told when all of it is known: the room that comes free is then filled in one go, which takes
 * a third less time.
 * @internal
 */
export class Answers {
  private entries: Entry[] = [];
  private answers: Answer[] = [];
  /** Whose they are, each once. */
  private publishers: Publisher[] = [];

  add(entry: Entry, answer: Answer): void {
    const { publishers } = this;
    const { publisher } = entry;
    if (publishers[publishers.length - 1] !== publisher && !publishers.includes(publisher)) publishers.push(publisher);
    this.entries.push(entry);
    this.answers.push(answer);
  }

  /** Tells each publisher, in the order in which they came. */
  tell(): void {
    const { entries, answers, publishers } = this;
    if (entries.length === 0) return;
    this.entries = [];
    this.answers = [];
    this.publishers = [];
    holdAll(publishers, 0, () => {
      for (let i = 0; i < entries.length; i++) tellOne(entries[i]!, answers[i]!);
    });
  }
}

function tellOne(entry: Entry, answer: Answer): void {
  if (typeof answer === 'number') entry.publisher.confirmed(entry, BigInt(answer));
  else if (typeof answer === 'bigint') entry.publisher.confirmed(entry, answer);
  else entry.publisher.refused(entry, answer);
}

/** None of them writes until `tell` is done. */
function holdAll(publishers: readonly Publisher[], from: number, tell: () => void): void {
  const publisher = publishers[from];
  if (publisher === undefined) tell();
  else {
    publisher.together(() => {
      holdAll(publishers, from + 1, tell);
    });
  }
}

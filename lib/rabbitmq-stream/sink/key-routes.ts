import type { Cancel } from '../../core/clock.js';
import { Deque } from '../../core/deque.js';
import type { WeirError } from '../../core/errors.js';
import type { Entry } from '../../core/publisher.js';
import type { Session } from '../session/session.js';

/** Keys whose streams are remembered; the one that was learnt first is forgotten first. */
const mostKeys = 10_000;

/** Keys that are asked for at the same time. */
const mostQuestions = 64;

/** @internal */
export interface RoutesListener {
  /** Where a key leads to, or why that is not known, for the messages that waited for it; each is taken once, in order. */
  found(entries: Iterable<Entry>, key: string, streams: readonly string[] | WeirError): void;
  /** Not `full` any more. */
  room(): void;
}

/** A question on its way, and what waits for the answer. */
interface Question {
  readonly entries: Deque<Entry>;
  cancel: Cancel | undefined;
}

/** Which streams the binding keys of a super stream lead to. The broker is asked once for each key. @internal */
export class KeyRoutes {
  private known = new Map<string, readonly string[]>();
  private readonly questions = new Map<string, Question>();

  constructor(
    private readonly superStream: string,
    private readonly session: Session,
    private readonly listener: RoutesListener,
  ) {}

  /** Whether no more keys can be asked for at the moment. */
  get full(): boolean {
    return this.questions.size >= mostQuestions;
  }

  /** Undefined: not known, or there are messages that still wait for it and that are to go first. */
  get(key: string): readonly string[] | undefined {
    return this.questions.has(key) ? undefined : this.known.get(key);
  }

  /** Asks for a key, for this message. */
  ask(key: string, entry: Entry): void {
    const there = this.questions.get(key);
    if (there !== undefined) {
      there.entries.push(entry);
      return;
    }
    const question: Question = { entries: new Deque(), cancel: undefined };
    question.entries.push(entry);
    this.questions.set(key, question);
    question.cancel = this.session.retry(
      async (signal) => {
        const streams = await this.session.route(this.superStream, key, signal);
        signal.throwIfAborted();
        // no stream is no lasting answer, a binding may be made at any time
        if (streams.length > 0) this.remember(key, streams);
        this.answer(key, question, streams);
      },
      (error) => {
        this.answer(key, question, error);
      },
    );
  }

  /** Bindings may have changed. */
  forget(): void {
    this.known.clear();
  }

  /** Ends all questions with this error. */
  fail(error: WeirError): void {
    for (const [key, question] of [...this.questions]) {
      question.cancel?.();
      this.answer(key, question, error);
    }
  }

  /** Nothing is asked any more, and nothing waits. */
  close(): void {
    for (const { cancel } of this.questions.values()) cancel?.();
  }

  private answer(key: string, question: Question, streams: readonly string[] | WeirError): void {
    if (this.questions.get(key) !== question) return;
    const wasFull = this.full;
    // while it is still here, so that a message with this key that comes meanwhile gets behind the others
    this.listener.found(drain(question.entries), key, streams);
    this.questions.delete(key);
    if (wasFull) this.listener.room();
  }

  private remember(key: string, streams: readonly string[]): void {
    if (this.known.size >= mostKeys) {
      for (const oldest of this.known.keys()) {
        this.known.delete(oldest);
        break;
      }
    }
    this.known.set(key, streams);
  }
}

function* drain(entries: Deque<Entry>): Generator<Entry> {
  for (let entry = entries.shift(); entry !== undefined; entry = entries.shift()) yield entry;
}

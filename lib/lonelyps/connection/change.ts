import type { WeirError } from '../../core/errors.js';
import {
  subscribeExactMessage,
  subscribeGlobMessage,
  unsubscribeExactMessage,
  unsubscribeGlobMessage,
} from '../codec/to-broadcaster.js';
import type { Pattern } from '../session/session.js';
import type { Authority } from './authority.js';
import type { Answer, Awaited } from './awaited.js';
import type { Counters } from './counters.js';
import { sameBytes } from './same-bytes.js';

/** A subscription to begin or to end. @internal */
export class Change implements Awaited {
  readonly slow = false;
  private counter = 0;

  constructor(
    private readonly subscribe: boolean,
    private readonly pattern: Pattern,
    private readonly done: (error?: WeirError) => void,
  ) {}

  get asked(): string {
    const { kind, key } = this.pattern;
    return `${this.subscribe ? 'subscribe to' : 'unsubscribe from'} the ${kind === 'glob' ? 'glob' : 'topic'} '${key.slice(1)}'`;
  }

  /** The message; to be sent in this turn. */
  write(counters: Counters, authority: Authority): Uint8Array {
    const { subscribe, pattern } = this;
    this.counter = counters.nextOwn();
    const authorization = authority.change(pattern, this.counter);
    if (pattern.kind === 'exact') {
      return (subscribe ? subscribeExactMessage : unsubscribeExactMessage)(authorization, pattern.topic);
    }
    return (subscribe ? subscribeGlobMessage : unsubscribeGlobMessage)(authorization, pattern.glob);
  }

  answered(answer: Answer, authority: Authority): boolean {
    if (!this.isAnswer(answer)) return false;
    authority.checkChanged(answer, this.pattern, this.counter);
    this.done();
    return true;
  }

  lost(error: WeirError): void {
    this.done(error);
  }

  private isAnswer(answer: Answer): boolean {
    const { subscribe, pattern } = this;
    if (answer.kind === (subscribe ? 'confirmSubscribeExact' : 'confirmUnsubscribeExact')) {
      return pattern.kind === 'exact' && sameBytes(answer.topic, pattern.topic);
    }
    if (answer.kind === (subscribe ? 'confirmSubscribeGlob' : 'confirmUnsubscribeGlob')) {
      return pattern.kind === 'glob' && answer.glob === pattern.glob;
    }
    return false;
  }
}

import { ReplaySubject, Subject, type Observable } from 'rxjs';
import type { BrokerEvent, Status } from './broker.js';
import type { Logger } from './logger.js';

/** Where a broker's rooms say how they stand and what happened; the handle shows it as Observables. @internal */
export class Story {
  readonly status: Observable<Status>;
  readonly events: Observable<BrokerEvent>;
  // no BehaviorSubject, because that forgets its value when it completes
  private readonly statuses = new ReplaySubject<Status>(1);
  private readonly happened = new Subject<BrokerEvent>();
  private current: Status['state'] = 'idle';

  constructor(private readonly log: Logger) {
    this.status = this.statuses.asObservable();
    this.events = this.happened.asObservable();
    this.statuses.next({ state: 'idle' });
  }

  get state(): Status['state'] {
    return this.current;
  }

  /** Moves on to a state. The same state again is not told, nor anything after `closed`. */
  set(state: Status['state'], cause?: unknown): void {
    if (this.state === state || this.state === 'closed') return;
    this.log.info(`${this.current} -> ${state}`, ...(cause === undefined ? [] : [cause]));
    this.current = state;
    this.statuses.next(cause === undefined ? { state } : { state, cause });
    if (state === 'closed') {
      this.statuses.complete();
      this.happened.complete();
    }
  }

  tell(event: BrokerEvent): void {
    this.log[event.type === 'reconnected' ? 'info' : 'warn'](event.type, event);
    this.happened.next(event);
  }
}

import { ReplaySubject, Subject, type Observable } from 'rxjs';
import type { BrokerEvent, Status } from './broker.js';
import { eventTold, statusTold } from './diagnostics.js';
import type { BrokerName } from './errors.js';
import type { Logger } from './logger.js';

/** Where a broker's rooms say how they stand and what happened; the handle shows it as Observables. @internal */
export class Story {
  readonly status: Observable<Status>;
  readonly events: Observable<BrokerEvent>;
  // no BehaviorSubject, because that forgets its value when it completes
  private readonly statuses = new ReplaySubject<Status>(1);
  private readonly happened = new Subject<BrokerEvent>();
  private current: Status['state'] = 'idle';

  /** @param handle - whose story it is, for who watches the process */
  constructor(
    private readonly log: Logger,
    private readonly broker: BrokerName,
    private readonly handle: object,
  ) {
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
    const { broker, handle } = this;
    const status = cause === undefined ? { state } : { state, cause };
    if (statusTold.hasSubscribers) statusTold.publish({ broker, handle, status });
    this.statuses.next(status);
    if (state === 'closed') {
      this.statuses.complete();
      this.happened.complete();
    }
  }

  tell(event: BrokerEvent): void {
    this.log[event.type === 'reconnected' ? 'info' : 'warn'](event.type, event);
    const { broker, handle } = this;
    if (eventTold.hasSubscribers) eventTold.publish({ broker, handle, event });
    this.happened.next(event);
  }
}

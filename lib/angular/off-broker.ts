import { BehaviorSubject, EMPTY, NEVER, Subject, of, throwError, type Observable } from 'rxjs';
import type { Broker, Receipt, Sink, Status } from '../core/broker.js';
import { UnsupportedError } from '../core/errors.js';

/**
 * Stands in for a broker while an application is rendered on a server: sources complete, and what would write is
 * refused, so that nothing connects and rendering waits for nothing.
 * @internal
 */
export function offBroker(name: string): Broker {
  const refused = (call: string): UnsupportedError =>
    new UnsupportedError(
      `${call} on the server platform: ${name} is off while the application is rendered on a server. ` +
        "Do it in the page (afterNextRender, an event), or provide it with withServer('on').",
    );
  const refuse = (call: string) => (): Promise<never> => Promise.reject(refused(call));
  const nothing = (): Observable<never> => EMPTY;
  const handle = {
    status: new BehaviorSubject<Status>({ state: 'idle' }).asObservable(),
    events: NEVER,
    connect: refuse('connect()'),
    messages: nothing,
    values: nothing,
    hot: nothing,
    publish: (channel: string) => refuse(`publish('${channel}')`)(),
    sink: (channel: string) => new OffSink(channel, refused(`sink('${channel}')`)),
    publishTo: (channel: string) => () => throwError(() => refused(`publishTo('${channel}')`)),
    publishFrom: (channel: string) => throwError(() => refused(`publishFrom('${channel}')`)),
    forget: refuse('forget()'),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return handle as unknown as Broker;
}

/** Accepts nothing: each value gets a failed receipt. A component that makes its sink as it is made renders all the same. */
class OffSink extends Subject<unknown> implements Sink<unknown> {
  readonly receipts = new Subject<Receipt<unknown>>();
  readonly pending = of(0);

  constructor(
    private readonly channel: string,
    private readonly refusal: UnsupportedError,
  ) {
    super();
  }

  override next(value: unknown): void {
    const { channel, refusal: error } = this;
    this.receipts.next({ ok: false, error, value, channel });
  }

  override complete(): void {
    super.complete();
    this.receipts.complete();
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  send(value: unknown): Promise<Receipt<unknown>> {
    const { channel, refusal: error } = this;
    return Promise.resolve({ ok: false, error, value, channel });
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }
}

import { NgZone } from '@angular/core';
import { Observable, Subscriber } from 'rxjs';

/**
 * The same Observable, whose work is done outside of Angular's zone: its sockets and timers neither start change
 * detection nor keep the application from being stable. Who subscribes inside of the zone gets each emission inside.
 * Without zone.js, where there is no zone, nothing changes.
 * @param back - whether emissions go back into the zone; by default as it was at the subscription
 * @internal
 */
export function throughZone<T>(source: Observable<T>, zone: NgZone, back?: boolean): Observable<T> {
  return new Observable<T>((subscriber) => {
    const passage = new ZonePassage(subscriber, zone, back ?? NgZone.isInAngularZone());
    // before the source is asked, which may emit at once
    subscriber.add(() => zone.runOutsideAngular(() => passage.unsubscribe()));
    zone.runOutsideAngular(() => source.subscribe(passage));
  });
}

class ZonePassage<T> extends Subscriber<T> {
  /** Made once, so that a message costs no closure. */
  private readonly emit = (value: T): void => this.out.next(value);

  constructor(
    private readonly out: Subscriber<T>,
    private readonly zone: NgZone,
    private readonly back: boolean,
  ) {
    super();
  }

  protected override _next(value: T): void {
    if (this.back) this.zone.run(this.emit as (value: unknown) => void, undefined, [value]);
    else this.out.next(value);
  }

  protected override _error(error: unknown): void {
    if (this.back) this.zone.run(() => this.out.error(error));
    else this.out.error(error);
  }

  protected override _complete(): void {
    if (this.back) this.zone.run(() => this.out.complete());
    else this.out.complete();
  }
}

/* Run as a process of its own, because zone.js patches what all specs use. Prints what it has seen as JSON. */
import 'zone.js';
import {
  ChangeDetectionStrategy,
  Component,
  NgZone,
  provideZoneChangeDetection,
  runInInjectionContext,
  type EnvironmentProviders,
} from '@angular/core';
import { firstValueFrom, lastValueFrom, of, Subject, type Observable, type Subscription } from 'rxjs';
import { injectBroker, injectLatest, injectMessages, injectValues, provideBroker } from '../../lib/angular/index.js';
import { text, type Delivery } from '../../lib/index.js';
import { memory, type MemoryBroker } from '../../lib/memory/index.js';
import { startApp, type App } from './platform.js';

/** What this program prints. */
export interface ZoneReport {
  /** Whether Angular's zone has timers that it waits for. */
  readonly pending: { readonly byHand: boolean; readonly injected: boolean };
  /** Whether each emission came in the zone. */
  readonly emitted: { readonly inside: readonly boolean[]; readonly outside: readonly boolean[] };
  /** Which methods of the handle were called in the zone. */
  readonly calledInside: readonly string[];
  readonly called: readonly string[];
  /** What a component shows that keeps a plain field. */
  readonly field: string;
  readonly checks: { readonly field: number; readonly signal: number };
  readonly signal: string;
  readonly sinkEmitted: readonly boolean[];
  readonly receipts: readonly boolean[];
  readonly sameStatus: boolean;
}

const burst = 50;

/** The handle, that notes which methods are called and where. */
function watched(broker: MemoryBroker, calls: [string, boolean][]): MemoryBroker {
  return new Proxy(broker, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || typeof key !== 'string') return value;
      return (...args: unknown[]): unknown => {
        calls.push([key, NgZone.isInAngularZone()]);
        return (value as (...given: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

async function withApp<T>(provider: EnvironmentProviders, work: (app: App, zone: NgZone) => Promise<T>): Promise<T> {
  const app = await startApp([provideZoneChangeDetection(), provider]);
  const result = await work(app, app.injector.get(NgZone));
  app.destroy();
  return result;
}

/** Whether a delivery that waits for its ack, for which the broker has a timer, keeps the application from being stable. */
function pendingAfter(make: () => Observable<Delivery>, broker: MemoryBroker): Promise<boolean> {
  return withApp(
    provideBroker(() => broker),
    async (app, zone) => {
      let subscription: Subscription | undefined;
      const came = new Subject<Delivery>();
      const first = firstValueFrom(came);
      runInInjectionContext(app.injector, () => {
        const source = make();
        zone.run(() => (subscription = source.subscribe(came)));
      });
      await broker.publish('words', 'one', { codec: text });
      const delivery = await first;
      const { hasPendingMacrotasks } = zone;
      delivery.ack();
      subscription?.unsubscribe();
      return hasPendingMacrotasks;
    },
  );
}

async function pending(): Promise<ZoneReport['pending']> {
  const [byHand, injected] = [memory(), memory()];
  return {
    byHand: await pendingAfter(() => byHand.messages('words'), byHand),
    injected: await pendingAfter(() => injectMessages('words'), injected),
  };
}

async function calls(): Promise<
  Pick<ZoneReport, 'called' | 'calledInside' | 'sinkEmitted' | 'receipts' | 'sameStatus'>
> {
  const seen: [string, boolean][] = [];
  return withApp(
    provideBroker(() => watched(memory(), seen)),
    async (app, zone) => {
      const broker = runInInjectionContext(app.injector, () => injectBroker());
      const sinkEmitted: boolean[] = [];
      const receipts: boolean[] = [];
      await zone.run(() => broker.connect());
      await zone.run(() => broker.publish('words', 'one', { codec: text }));
      const sink = zone.run(() => broker.sink('words', { codec: text }));
      zone.run(() => {
        sink.subscribe(() => sinkEmitted.push(NgZone.isInAngularZone()));
        sink.receipts.subscribe(() => receipts.push(NgZone.isInAngularZone()));
        sink.next('two');
      });
      await sink.flush();
      const published = new Subject<void>();
      const done = lastValueFrom(published, { defaultValue: undefined });
      zone.run(() =>
        of('three')
          .pipe(broker.publishTo('words', { codec: text }))
          .subscribe({
            next: () => receipts.push(NgZone.isInAngularZone()),
            complete: () => published.complete(),
          }),
      );
      await done;
      const called = seen.map(([name]) => name);
      const calledInside = seen.filter(([, inside]) => inside).map(([name]) => name);
      return {
        called,
        calledInside,
        sinkEmitted,
        receipts,
        sameStatus: new Set([broker.status, broker.status]).size === 1,
      };
    },
  );
}

async function emissions(): Promise<Pick<ZoneReport, 'emitted' | 'field' | 'signal' | 'checks'>> {
  const broker = memory();
  return withApp(
    provideBroker(() => broker),
    async (app, zone) => {
      @Component({ selector: 'x-field', template: '{{ shown() }}', changeDetection: ChangeDetectionStrategy.Eager })
      class Field {
        word = '';
        checks = 0;
        readonly where: boolean[] = [];
        constructor() {
          injectValues('words', { codec: text }).subscribe((word) => {
            this.where.push(NgZone.isInAngularZone());
            this.word = word;
          });
        }
        shown(): string {
          this.checks++;
          return this.word;
        }
      }
      @Component({ selector: 'x-signal', template: '{{ shown() }}' })
      class Latest {
        checks = 0;
        readonly word = injectLatest('numbers', { codec: text });
        shown(): string | undefined {
          this.checks++;
          return this.word();
        }
      }
      const say = (channel: string): Promise<unknown> =>
        Promise.all(Array.from({ length: burst }, (_, n) => broker.publish(channel, `${n}`, { codec: text })));
      const field = await zone.run(() => app.show(Field));
      const outside: boolean[] = [];
      runInInjectionContext(app.injector, () => {
        injectValues('words').subscribe(() => outside.push(NgZone.isInAngularZone()));
      });
      await say('words');
      const shown = await field.text();
      const checks = field.ref.instance.checks;
      field.ref.destroy();
      const signal = await zone.run(() => app.show(Latest));
      const before = signal.ref.instance.checks;
      await say('numbers');
      return {
        field: shown,
        signal: await signal.text(),
        emitted: { inside: field.ref.instance.where, outside },
        checks: { field: checks, signal: signal.ref.instance.checks - before },
      };
    },
  );
}

const report: ZoneReport = { pending: await pending(), ...(await calls()), ...(await emissions()) };
process.stdout.write(`${JSON.stringify(report)}\n`);

// before Angular's packages, which it compiles
import { startApp } from './platform.js';
import { Component, inject, provideZonelessChangeDetection, runInInjectionContext, type Type } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import { provideServerRendering, renderApplication } from '@angular/platform-server';
import { expect } from 'chai';
import { firstValueFrom, lastValueFrom, of, toArray } from 'rxjs';
import {
  BROKER,
  injectBroker,
  injectBrokerStatus,
  injectFrom,
  injectLatest,
  injectMessages,
  injectRecent,
  injectValues,
  provideBroker,
  withConnect,
  withServer,
} from '../../lib/angular/index.js';
import { earliest, text, UnsupportedError } from '../../lib/index.js';
import { memory } from '../../lib/memory/index.js';

const unmade = (): never => {
  throw new Error('a broker was made on the server');
};

/** Renders the component as a server does. */
function render(component: Type<unknown>, ...providers: ReturnType<typeof provideBroker>[]): Promise<string> {
  const all = [provideServerRendering(), provideZonelessChangeDetection(), ...providers];
  return renderApplication((context) => bootstrapApplication(component, { providers: all }, context), {
    document: '<!doctype html><x-page></x-page>',
    url: '/',
  });
}

describe('angular: on the server platform', () => {
  it('renders without making a broker', async () => {
    @Component({ selector: 'x-page', template: '{{ status().state }}, {{ last() ?? "none" }}, {{ recent().length }}' })
    class Page {
      readonly status = injectBrokerStatus();
      readonly last = injectLatest('words', { codec: text });
      readonly recent = injectRecent(() => 'words', { codec: text });
      readonly sink = injectBroker().sink('words', { codec: text });
    }
    const html = await render(Page, provideBroker(unmade, withConnect()));
    expect(html).to.contain('idle, none, 0</x-page>');
    expect(await render(Page, provideBroker(unmade, withConnect({ wait: true })))).to.contain('idle, none, 0</x-page>');
  });

  it('completes sources, and refuses what would write', async () => {
    const app = await startApp([provideBroker(unmade)], 'server');
    const run = <T>(work: () => T): T => runInInjectionContext(app.injector, work);
    const sources = run(() => [
      injectMessages('words'),
      injectValues(() => 'words'),
      injectFrom(() => unmade()),
      injectBroker().messages('words'),
      injectBroker().hot('words'),
    ]);
    for (const source of sources) expect(await lastValueFrom(source.pipe(toArray()))).to.deep.equal([]);
    const broker = run(() => injectBroker());
    const word = new Uint8Array([1]);
    const sink = broker.sink('words');
    const receipt = firstValueFrom(sink.receipts);
    sink.next(word);
    const failures = [
      broker.publish('words', word).catch((error: unknown) => error),
      broker.connect().catch((error: unknown) => error),
      broker.forget('words', { durable: 'reader' }).catch((error: unknown) => error),
      lastValueFrom(of(word).pipe(broker.publishTo('words'))).catch((error: unknown) => error),
      lastValueFrom(broker.publishFrom('words', [word])).catch((error: unknown) => error),
      sink.send(word).then(({ error }) => error),
      receipt.then(({ error }) => error),
    ];
    for (const failure of await Promise.all(failures)) expect(failure).to.be.instanceOf(UnsupportedError);
    expect(await failures[0])
      .to.have.property('message')
      .that.matches(/^publish\('words'\) on the server platform: /);
    await sink.flush();
    sink.complete();
    await broker.close();
    app.destroy();
  });

  it('connects nothing through a broker that a spec has put under the token', async () => {
    const broker = memory();
    const app = await startApp([{ provide: BROKER, useValue: broker }], 'server');
    const latest = runInInjectionContext(app.injector, () => injectLatest('words'));
    expect(latest()).to.be.undefined;
    expect(await firstValueFrom(broker.status)).to.deep.equal({ state: 'idle' });
    app.destroy();
    await broker.close();
  });

  it('works as in a page where it is told to', async () => {
    const broker = memory();
    await broker.publish('words', 'ready', { codec: text });
    @Component({ selector: 'x-page', template: '{{ same }}' })
    class Page {
      readonly same = inject(BROKER) === broker;
      readonly values = injectValues('words', { codec: text, start: earliest() });
    }
    const app = await startApp([provideBroker(broker, withServer('on'))], 'server');
    const { ref, text: shown } = await app.show(Page);
    expect(await shown()).to.equal('true');
    expect(await firstValueFrom(ref.instance.values)).to.equal('ready');
    app.destroy();
    await broker.close();
  });
});

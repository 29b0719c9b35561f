import {
  Component,
  createEnvironmentInjector,
  input,
  type Injector,
  runInInjectionContext,
  signal,
} from '@angular/core';
import { expect } from 'chai';
import { firstValueFrom, lastValueFrom, merge, toArray, type Observable } from 'rxjs';
import { injectFrom, injectMessages, injectValues, provideBroker, withCodec } from '../../lib/angular/index.js';
import { earliest, InvalidOptionError, text, type Delivery } from '../../lib/index.js';
import { memory, type MemoryBroker } from '../../lib/memory/index.js';
import { until } from '../support/wait.js';
import { startApp, type App } from './platform.js';

describe('angular: injectMessages', () => {
  let app: App;
  let broker: MemoryBroker;

  beforeEach(async () => {
    broker = memory();
    app = await startApp([provideBroker(() => broker, withCodec(text))]);
  });

  afterEach(() => app.destroy());

  const run = <T>(work: () => T): T => runInInjectionContext(app.injector, work);
  const say = (channel: string, value: string): Promise<unknown> => broker.publish(channel, value, { codec: text });

  it('gives deliveries to settle, with the options of the broker', async () => {
    for (const word of ['one', 'two', 'three']) await say('words', word);
    const options = { start: earliest(), durable: 'reader', maxInFlight: 2 } as const;
    const messages = run(() => injectMessages<string>('words', options));
    const got: Delivery<string>[] = [];
    const subscription = messages.subscribe((delivery) => got.push(delivery));
    await until(() => got.length > 1);
    expect(got.map(({ value }) => value)).to.deep.equal(['one', 'two']);
    got[0]!.ack();
    await until(() => got.length > 2);
    expect(got.map(({ value }) => value)).to.deep.equal(['one', 'two', 'three']);
    subscription.unsubscribe();
  });

  it('takes a codec of its own, or gives bytes where there is none', async () => {
    await say('words', 'one');
    const own = { encode: text.encode, decode: (bytes: Uint8Array) => bytes.length };
    expect(await firstValueFrom(run(() => injectValues('words', { codec: own, start: earliest() })))).to.equal(3);
    const plain = createEnvironmentInjector([provideBroker(broker)], app.injector);
    const bytes = runInInjectionContext(plain, () => injectValues('words', { start: earliest() }));
    expect(await firstValueFrom(bytes)).to.deep.equal(text.encode('one'));
  });

  it('ends its subscription at the broker with the component', async () => {
    const heard: string[] = [];
    let completed = false;
    @Component({ selector: 'x-worker', template: '' })
    class Worker {
      readonly work = injectValues<string>('jobs', { queue: 'team' }).subscribe({
        next: (job) => heard.push(job),
        complete: () => (completed = true),
      });
    }
    const { ref } = await app.show(Worker);
    const other: string[] = [];
    // the other member of the team: it gets every job once the broker has forgotten the component
    const subscription = broker.values('jobs', { queue: 'team', codec: text }).subscribe((job) => other.push(job));
    const jobs = Array.from({ length: 10 }, (_, n) => `job ${n}`);
    for (const job of jobs) await say('jobs', job);
    expect([heard.length, other.length]).to.deep.equal([5, 5]);
    ref.destroy();
    expect(completed).to.be.true;
    for (const job of jobs) await say('jobs', job);
    expect(heard).to.have.lengthOf(5);
    expect(other.slice(5)).to.deep.equal(jobs);
    subscription.unsubscribe();
  });

  it('lets the deliveries of a component that is gone be settled', async () => {
    const injector = createEnvironmentInjector([], app.injector);
    const options = { durable: 'reader', start: earliest() } as const;
    const got: Delivery<string>[] = [];
    injectMessages<string>('words', { ...options, injector }).subscribe((delivery) => got.push(delivery));
    await say('words', 'one');
    injector.destroy();
    got[0]!.ack();
    await say('words', 'two');
    expect(await firstValueFrom(run(() => injectValues<string>('words', options)))).to.equal('two');
  });

  it('is empty for who subscribes after the end', async () => {
    const injector = createEnvironmentInjector([], app.injector);
    const values = injectValues('words', { injector, start: earliest() });
    await say('words', 'one');
    injector.destroy();
    expect(await lastValueFrom(values.pipe(toArray()))).to.deep.equal([]);
  });

  it('changes over when its channel is a signal that changes', async () => {
    const channel = signal<string | undefined>('a');
    const heard: string[] = [];
    run(() => injectValues<string>(channel, { queue: 'team' })).subscribe((value) => heard.push(value));
    const turn = async (next: string | undefined): Promise<void> => {
      channel.set(next);
      await app.ref.whenStable();
      for (const each of ['a', 'b']) await say(each, `${each} at ${next ?? 'none'}`);
    };
    await turn('a');
    await turn('b');
    await turn(undefined);
    await turn('a');
    expect(heard).to.deep.equal(['a at a', 'b at b', 'a at a']);
  });

  it("reads a component's required input", async () => {
    await say('news', 'ready');
    @Component({ selector: 'x-reader', template: '' })
    class Reader {
      readonly channel = input('news');
      readonly values: Observable<string> = injectValues(this.channel, { codec: text, start: earliest() });
    }
    const { ref } = await app.show(Reader);
    const first = firstValueFrom(ref.instance.values);
    expect(await first).to.equal('ready');
  });

  it('follows any stream of the broker by the signals that were read', async () => {
    const wanted = signal(['a', 'b']);
    const heard: string[] = [];
    const options = { codec: text, queue: 'team' };
    const all = run(() => injectFrom((from) => merge(...wanted().map((each) => from.values(each, options)))));
    const subscription = all.subscribe((value) => heard.push(value));
    for (const list of [
      ['a', 'b'],
      ['b', 'c'],
    ]) {
      wanted.set(list);
      await app.ref.whenStable();
      for (const each of ['a', 'b', 'c']) await say(each, each);
    }
    expect(heard).to.deep.equal(['a', 'b', 'b', 'c']);
    subscription.unsubscribe();
  });

  it('refuses what the broker refuses, where it is called', () => {
    expect(() => run(() => injectMessages('words', { maxInflight: 1 } as object))).to.throw(
      InvalidOptionError,
      "did you mean 'maxInFlight'",
    );
    expect(() => run(() => injectMessages('words', { injector: {} as Injector }))).to.throw(
      InvalidOptionError,
      "injectMessages('words'): injector must be an Injector",
    );
    expect(() => run(() => injectMessages(''))).to.throw(InvalidOptionError);
    expect(() => injectMessages('words')).to.throw('NG0203');
  });
});

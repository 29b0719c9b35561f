import { Component, signal } from '@angular/core';
import { rxResource } from '@angular/core/rxjs-interop';
import { expect } from 'chai';
import {
  injectBroker,
  injectBrokerStatus,
  injectLatest,
  injectRecent,
  provideBroker,
} from '../../lib/angular/index.js';
import { DecodeError, earliest, json, latest, text } from '../../lib/index.js';
import { memory, type MemoryBroker } from '../../lib/memory/index.js';
import { startApp, type App } from './platform.js';

describe('angular: signals', () => {
  let app: App;
  let broker: MemoryBroker;

  beforeEach(async () => {
    broker = memory({ reconnect: { initialDelay: 1 } });
    app = await startApp([provideBroker(() => broker)]);
  });

  afterEach(() => app.destroy());

  const say = (channel: string, value: string): Promise<unknown> => broker.publish(channel, value, { codec: text });

  it('show the latest value and the recent ones in a template', async () => {
    await say('words', 'zero');
    @Component({ selector: 'x-words', template: '{{ last() ?? "none" }}: {{ recent().join(" ") }}' })
    class Words {
      readonly last = injectLatest('words', { codec: text, start: latest() });
      readonly recent = injectRecent('words', { codec: text, start: earliest(), size: 3 });
    }
    const { text: shown } = await app.show(Words);
    expect(await shown()).to.equal('zero: zero');
    for (const word of ['one', 'two', 'three']) await say('words', word);
    expect(await shown()).to.equal('three: one two three');
  });

  it('start anew when the channel changes', async () => {
    const channel = signal<string | undefined>(undefined);
    @Component({ selector: 'x-channel', template: '{{ last() ?? "none" }}: {{ recent().join(" ") }}' })
    class Channel {
      readonly last = injectLatest(channel, { codec: text });
      readonly recent = injectRecent(channel, { codec: text });
    }
    const { text: shown } = await app.show(Channel);
    const turn = async (next: string | undefined): Promise<string[]> => {
      channel.set(next);
      const before = await shown();
      for (const each of ['a', 'b']) await say(each, each);
      return [before, await shown()];
    };
    expect(await turn(undefined)).to.deep.equal(['none:', 'none:']);
    expect(await turn('a')).to.deep.equal(['none:', 'a: a']);
    expect(await turn('b')).to.deep.equal(['none:', 'b: b']);
    expect(await turn(undefined)).to.deep.equal(['none:', 'none:']);
  });

  it('keep a list that was read as it was', async () => {
    @Component({ selector: 'x-list', template: '' })
    class List {
      readonly recent = injectRecent('words', { codec: text, size: 1 });
    }
    const { recent } = (await app.show(List)).ref.instance;
    await say('words', 'one');
    const before = recent();
    await say('words', 'two');
    expect([before, recent()]).to.deep.equal([['one'], ['two']]);
    expect(recent()).to.equal(recent());
  });

  it('throw the error of the source where they are read', async () => {
    @Component({ selector: 'x-orders', template: '' })
    class Orders {
      readonly last = injectLatest('orders', { codec: json() });
      readonly careful = injectLatest('orders', { codec: json(), onDecodeError: 'skip' });
    }
    const { last, careful } = (await app.show(Orders)).ref.instance;
    await say('orders', '{"id":');
    expect(() => last()).to.throw(DecodeError);
    await say('orders', '{"id":1}');
    expect(careful()).to.deep.equal({ id: 1 });
  });

  it('tell how the broker stands, and connect nothing', async () => {
    @Component({ selector: 'x-status', template: '{{ status().state }}' })
    class State {
      readonly status = injectBrokerStatus();
    }
    const { text: shown } = await app.show(State);
    expect(await shown()).to.equal('idle');
    await broker.connect();
    expect(await shown()).to.equal('connected');
    broker.faults.drop({ for: 60_000 });
    expect(await shown()).to.equal('reconnecting');
    broker.faults.restore();
    await broker.connect();
    expect(await shown()).to.equal('connected');
    await broker.close();
    expect(await shown()).to.equal('closed');
  });

  it("go into Angular's own resources", async () => {
    const channel = signal('a');
    @Component({ selector: 'x-resource', template: '{{ last.value() ?? last.status() }}' })
    class Resource {
      private readonly broker = injectBroker();
      readonly last = rxResource({
        params: () => channel(),
        stream: ({ params }) => this.broker.values(params, { codec: text, start: latest() }),
      });
    }
    await say('a', 'from a');
    await say('b', 'from b');
    const { text: shown } = await app.show(Resource);
    expect(await shown()).to.equal('from a');
    channel.set('b');
    expect(await shown()).to.equal('from b');
  });
});

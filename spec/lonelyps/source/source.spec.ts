import { expect } from 'chai';
import { Subject } from 'rxjs';
import { json } from '../../../lib/codec/json.js';
import { DecodeError, InvalidOptionError } from '../../../lib/core/errors.js';
import { blob, type LonelypsBlob } from '../../../lib/lonelyps/held-body.js';
import type { LonelypsSelection } from '../../../lib/lonelyps/selection.js';
import { settled } from '../../support/manual-clock.js';
import { HandFile, SourceKit } from './source-kit.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('lonelyps source', () => {
  let kit: SourceKit;

  beforeEach(() => {
    kit = new SourceKit();
  });

  describe('who gets what', () => {
    it('gives a message to each source that wants it, once', () => {
      const exact = kit.source('a/b');
      const glob = kit.source({ glob: 'a/*' });
      const both = kit.source({ exact: 'a/b', glob: ['a/*', '*b'] });
      const other = kit.source('a/c');
      expect(kit.arrive('a/b', '1').answers).to.deep.equal(['accept 1']);
      for (const each of [exact, glob, both]) expect(each.texts).to.deep.equal(['1']);
      expect(other.texts).to.deep.equal([]);
    });

    it('tells the broadcaster where nobody wants it', () => {
      kit.source('a/b').source.stop();
      expect(kit.arrive('a/b', '1').answers).to.deep.equal(['unwanted']);
    });

    it('gives what no glob explains to a glob on which there are two opinions', () => {
      const doubtful = kit.source({ glob: '[!a]z' });
      const plain = kit.source({ glob: 'q/*' });
      expect(kit.arrive('bz', '1').answers).to.deep.equal(['accept 1']);
      expect(doubtful.texts).to.deep.equal(['1']);
      expect(plain.texts).to.deep.equal([]);
      expect(kit.warnings.join('\n')).to.include("'[!a]z'");
    });

    it('gives a message to those who wanted it when it came, and not to who comes because of it', () => {
      const later: ReturnType<SourceKit['source']>[] = [];
      const next = (): void => {
        if (later.length < 5) later.push(kit.source('t', { onNext: next }));
      };
      const first = kit.source('t', { onNext: next });
      const second = kit.source('t');
      expect(kit.arrive('t', '1').answers).to.deep.equal(['accept 1']);
      expect([first.texts, second.texts]).to.deep.equal([['1'], ['1']]);
      expect(later.map(({ texts }) => texts)).to.deep.equal([[]]);
    });

    it('tells the topic as text and as bytes, and the hash', () => {
      const source = kit.source({ exact: new Uint8Array([0x61, 0xff]) });
      const { body } = kit.arrive('a\udcff', 'x');
      const [delivery] = source.all;
      expect(delivery!.channel).to.equal('a\udcff');
      expect([...delivery!.topic]).to.deep.equal([0x61, 0xff]);
      expect(delivery!.sha512).to.equal(body.sha512);
      expect(delivery!.offset).to.equal(undefined);
      expect(delivery!.time).to.equal(undefined);
      expect(delivery!.redelivered).to.equal(false);
      expect(JSON.parse(JSON.stringify(delivery))).to.deep.equal({
        channel: 'a\udcff',
        length: 1,
        settled: false,
        value: 'x',
      });
    });
  });

  describe('the window', () => {
    it('holds the answer while it is full, and lets in as places come free', () => {
      const source = kit.source('t', { maxInFlight: 2 });
      const arrivals = ['1', '2', '3', '4'].map((each) => kit.arrive('t', each));
      expect(source.texts).to.deep.equal(['1', '2']);
      expect(arrivals.map(({ answers }) => answers.length)).to.deep.equal([1, 1, 0, 0]);
      source.all[1]!.ack();
      expect(source.texts).to.deep.equal(['1', '2', '3']);
      source.all[0]!.release();
      expect(source.texts).to.deep.equal(['1', '2', '3', '4']);
      expect(arrivals.map(({ answers }) => answers)).to.deep.equal(Array(4).fill(['accept 1']));
      expect(kit.clock.size).to.equal(0);
    });

    it('refuses what waited for too long, and tells it as missed', async () => {
      const source = kit.source('t', { maxInFlight: 1 });
      kit.arrive('t', '1');
      const late = kit.arrive('t', '2');
      await kit.clock.pass(3_999);
      expect(late.answers).to.deep.equal([]);
      await kit.clock.pass(1);
      expect(late.answers).to.deep.equal(['refuse']);
      expect(kit.misses).to.deep.equal(['t']);
      source.all[0]!.ack();
      expect(source.texts).to.deep.equal(['1']);
      kit.arrive('t', '3');
      expect(source.texts).to.deep.equal(['1', '3']);
    });

    it('accepts what one of two sources took, and tells what the other missed', async () => {
      const full = kit.source('t', { maxInFlight: 1 });
      const open = kit.source('t', { acks: true });
      kit.arrive('t', '1');
      const second = kit.arrive('t', '2');
      await kit.clock.pass(4_000);
      expect(second.answers).to.deep.equal(['accept 1']);
      expect(kit.misses).to.deep.equal(['t']);
      expect(open.texts).to.deep.equal(['1', '2']);
      expect(full.texts).to.deep.equal(['1']);
    });

    it('emits a whole waiting line without recursion', () => {
      const source = kit.source('t', { maxInFlight: 1 });
      for (let n = 0; n < 20_000; n++) kit.arrive('t', String(n));
      const [first] = source.all;
      source.next = (delivery) => {
        delivery.ack();
      };
      first!.ack();
      expect(source.source.unsettled).to.equal(0);
    });

    it('says nothing when a delivery is settled twice', () => {
      const source = kit.source('t', { maxInFlight: 1 });
      kit.arrive('t', '1');
      kit.arrive('t', '2');
      kit.arrive('t', '3');
      source.all[0]!.ack();
      source.all[0]!.ack();
      source.all[0]!.release();
      expect(source.texts).to.deep.equal(['1', '2']);
    });
  });

  describe("answer: 'settled'", () => {
    it('answers when the delivery is settled', () => {
      const source = kit.source('t', { settles: true });
      const arrival = kit.arrive('t', '1');
      expect(arrival.answers).to.deep.equal([]);
      source.all[0]!.ack();
      expect(arrival.answers).to.deep.equal(['accept 1']);
    });

    it('refuses what is released', () => {
      const source = kit.source('t', { settles: true });
      const arrival = kit.arrive('t', '1');
      source.all[0]!.release();
      expect(arrival.answers).to.deep.equal(['refuse']);
    });

    it('refuses what is not settled in time, and tells it as missed', async () => {
      const source = kit.source('t', { settles: true });
      const arrival = kit.arrive('t', '1');
      await kit.clock.pass(4_000);
      expect(arrival.answers).to.deep.equal(['refuse']);
      expect(kit.misses).to.deep.equal(['t']);
      source.all[0]!.ack();
      expect(arrival.answers).to.deep.equal(['refuse']);
    });
  });

  describe('copies', () => {
    it('come, where nothing else is asked for', () => {
      const source = kit.source('t');
      kit.arrive('t', '1');
      kit.arrive('t', '1');
      expect(source.texts).to.deep.equal(['1', '1']);
    });

    it('are dropped within dedupe.ms, by topic and bytes', async () => {
      const source = kit.source({ glob: '*' }, { dedupe: 100, maxInFlight: 100 });
      kit.arrive('t', '1');
      expect(kit.arrive('t', '1').answers).to.deep.equal(['accept 1']);
      kit.arrive('t', '2');
      kit.arrive('u', '1');
      expect(source.texts).to.deep.equal(['1', '2', '1']);
      await kit.clock.pass(100);
      kit.arrive('t', '1');
      expect(source.texts).to.deep.equal(['1', '2', '1', '1']);
    });

    it('of one that was refused is no copy', async () => {
      const source = kit.source('t', { dedupe: 60_000, maxInFlight: 1 });
      kit.arrive('t', '1');
      expect(kit.arrive('t', '2').answers).to.deep.equal([]);
      await kit.clock.pass(4_000);
      source.all[0]!.ack();
      kit.arrive('t', '2');
      expect(source.texts).to.deep.equal(['1', '2']);
    });
  });

  describe('a selection that changes', () => {
    it('subscribes to what is new and leaves what is not there any more', () => {
      const selections = new Subject<LonelypsSelection>();
      const source = kit.source(selections);
      expect(kit.session.wanted).to.deep.equal([]);
      selections.next({ exact: ['a', 'b'], glob: 'c/*' });
      expect(kit.session.wanted).to.deep.equal(['=a', '=b', '*c/*']);
      selections.next({ exact: ['b', 'd'] });
      expect(kit.session.wanted).to.deep.equal(['=b', '=d']);
      kit.arrive('a', '1');
      kit.arrive('d', '2');
      expect(source.texts).to.deep.equal(['2']);
      selections.next({});
      expect(kit.session.wanted).to.deep.equal([]);
    });

    it('ends the source with what is no selection, and with its own error', () => {
      const wrong = new Subject<LonelypsSelection>();
      const source = kit.source(wrong);
      wrong.next({ exakt: 'a' } as LonelypsSelection);
      expect(source.failure).to.be.instanceOf(InvalidOptionError);
      expect(wrong.observed).to.equal(false);
      const failing = new Subject<LonelypsSelection>();
      const other = kit.source(failing);
      failing.error('why not');
      expect(other.failure).to.equal('why not');
      expect(other.ended).to.equal(1);
    });

    it('is left with the source', () => {
      const selections = new Subject<LonelypsSelection>();
      const source = kit.source(selections);
      selections.next({ exact: 'a' });
      source.source.stop();
      expect(selections.observed).to.equal(false);
      expect(kit.session.wanted).to.deep.equal([]);
    });
  });

  describe('onReceiving', () => {
    it('is called when all is subscribed, and messages wait for it', async () => {
      const calls: string[] = [];
      let done = (): void => undefined;
      const source = kit.source('t', {
        onReceiving: () => {
          calls.push('called');
          return new Promise<void>((resolve) => {
            done = resolve;
          });
        },
      });
      await settled();
      expect(calls).to.deep.equal([]);
      kit.session.subscribed();
      await settled();
      expect(kit.arrive('t', '1').answers).to.deep.equal(['accept 1']);
      expect(calls).to.deep.equal(['called']);
      expect(source.texts).to.deep.equal([]);
      done();
      await settled();
      expect(source.texts).to.deep.equal(['1']);
    });

    it('is called again after a loss', async () => {
      let calls = 0;
      kit.source('t', { onReceiving: () => ++calls });
      kit.session.subscribed();
      await settled();
      kit.dispatcher.missed('u');
      kit.dispatcher.missed('t');
      kit.session.subscribed();
      await settled();
      expect(calls).to.equal(2);
      kit.dispatcher.missedAll();
      kit.session.subscribed();
      await settled();
      expect(calls).to.equal(3);
    });

    it('ends the source with what it throws', async () => {
      const source = kit.source('t', { onReceiving: () => Promise.reject(new Error('no state')) });
      kit.session.subscribed();
      await settled();
      expect(String(source.failure)).to.equal('Error: no state');
    });
  });

  describe('bodies in files', () => {
    it('are read for a codec that wants bytes, in their order', async () => {
      const source = kit.source('t');
      const file = new HandFile(bytes('first'));
      kit.arrive('t', file);
      kit.arrive('t', 'second');
      expect(source.texts).to.deep.equal([]);
      file.loaded();
      await settled();
      expect(source.texts).to.deep.equal(['first', 'second']);
      expect(file.discarded).to.equal(0);
      source.all[0]!.ack();
      expect(file.discarded).to.equal(1);
    });

    it('stay there for blob(), until settled by all who have them', async () => {
      const one = kit.source('t', { codec: blob() });
      const two = kit.source('t', { codec: blob() });
      const file = new HandFile(bytes('{}'));
      kit.arrive('t', file);
      const value = one.all[0]!.value as LonelypsBlob;
      expect(value.size).to.equal(2);
      const text = value.text();
      file.loaded();
      expect(await text).to.equal('{}');
      const parts: Uint8Array[] = [];
      for await (const part of value.stream()) parts.push(part);
      expect(Buffer.concat(parts).toString()).to.equal('{}');
      one.all[0]!.ack();
      expect(file.discarded).to.equal(0);
      two.all[0]!.release();
      expect(file.discarded).to.equal(1);
    });

    it('end the source where they cannot be read', async () => {
      const source = kit.source('t');
      const file = new HandFile(bytes('first'));
      kit.arrive('t', file);
      file.failed(new Error('EIO'));
      await settled();
      expect(source.failure).to.be.instanceOf(DecodeError);
      expect(file.discarded).to.equal(1);
    });

    it('are discarded where nobody wants them, and when the source is left', async () => {
      const source = kit.source('t', { maxInFlight: 1 });
      const files = ['1', '2'].map((each) => new HandFile(bytes(each)));
      for (const each of files) kit.arrive('t', each);
      source.source.stop();
      expect(files.map(({ discarded }) => discarded)).to.deep.equal([1, 1]);
      files[0]!.loaded();
      await settled();
      expect(source.texts).to.deep.equal([]);
    });
  });

  it('hands what it cannot decode to onDecodeError', () => {
    const failing = kit.source('t', { codec: json() });
    const skipping = kit.source('t', { codec: json(), onDecodeError: 'skip' });
    kit.arrive('t', '{');
    expect(String(failing.failure)).to.include("cannot decode the message on 't'");
    kit.arrive('t', '1');
    expect(skipping.texts).to.deep.equal(['1']);
  });

  describe('its end', () => {
    it('comes when all is settled, and what waits at the door goes uncounted', () => {
      const source = kit.source('t', { maxInFlight: 1 });
      kit.arrive('t', '1');
      const waiting = kit.arrive('t', '2');
      source.source.stop();
      expect(waiting.answers).to.deep.equal(['accept 0']);
      expect(source.ended).to.equal(0);
      source.all[0]!.ack();
      expect(source.ended).to.equal(1);
      expect(kit.clock.size).to.equal(0);
    });

    it('comes after a while where something is never settled', async () => {
      const source = kit.source('t', { codec: blob() });
      const file = new HandFile(bytes('1'));
      kit.arrive('t', file);
      source.source.stop();
      await kit.clock.pass(10_000);
      expect(source.ended).to.equal(1);
      expect(file.discarded).to.equal(1);
    });

    it('comes at once when it is abandoned', () => {
      const source = kit.source('t');
      kit.arrive('t', '1');
      source.source.abandon();
      expect(source.ended).to.equal(1);
      source.all[0]!.ack();
      expect(kit.clock.size).to.equal(0);
    });
  });
});

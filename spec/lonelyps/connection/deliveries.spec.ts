import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { ProtocolError } from '../../../lib/core/errors.js';
import type { BodyWriter } from '../../../lib/lonelyps/body.js';
import { nodePlatform } from '../../../lib/lonelyps/node/platform.js';
import { settled } from '../../support/manual-clock.js';
import { until } from '../../support/wait.js';
import { hmacAuth, text, World } from './connection-kit.js';
import { headOf } from './fake-broadcaster.js';

const id = Uint8Array.of(1, 2, 3, 4);

describe('lonelyps connection: deliveries', () => {
  it('hands over messages of one, two and many parts, and acknowledges each part in order', async () => {
    const world = await World.open({ auth: hmacAuth, spoolSize: 3_000 });
    const bodies = [0, 1_000, 1_500, 8_000].map((length) => randomBytes(length));
    for (const bytes of bodies) world.server.deliver('t', bytes, 1_000);
    await until(() => world.arrivals.length === bodies.length);
    for (const [at, bytes] of bodies.entries()) {
      const { topic, body } = world.arrivals[at]!;
      expect(Buffer.from(topic).toString()).to.equal('t');
      expect(Buffer.compare(await body.load(), bytes), `body ${at}`).to.equal(0);
      body.discard();
    }
    await settled();
    expect(world.server.acks).to.deep.equal([
      'message for 1',
      'message for 1',
      'part 0',
      'message for 1',
      ...Array.from({ length: 7 }, (_, part) => `part ${part}`),
      'message for 1',
    ]);
    expect(world.server.refused).to.be.empty;
    await world.connection.close(1_000);
  });

  it('holds acknowledgements back until those before them went, each given once', async () => {
    const world = await World.open();
    world.onArrival = () => undefined;
    for (const topic of ['a', 'b', 'c']) world.server.deliver(topic, text('x'));
    world.server.deliver('d', randomBytes(2_000), 1_000);
    await until(() => world.arrivals.length === 4);
    const [a, b, c, d] = world.arrivals;
    b!.refuse();
    b!.accept(7);
    d!.accept(1);
    c!.unwanted();
    await settled();
    expect(world.server.acks).to.deep.equal([]);
    a!.accept(3);
    await settled();
    expect(world.server.acks).to.deep.equal([
      'message for 3',
      'message for 0',
      'message for 0',
      'part 0',
      'message for 1',
    ]);
    await world.connection.close(1_000);
  });

  it('copies what would keep a frame alive, and nothing else', async () => {
    const world = await World.open();
    world.server.deliver('one', text('whole'));
    world.server.deliver('two', randomBytes(3_000), 2_000);
    await until(() => world.arrivals.length === 2);
    const [one, two] = world.arrivals;
    expect(one!.topic.buffer).to.equal(one!.body.bytes!.buffer);
    expect(two!.topic.buffer.byteLength).to.equal(3);
    await world.connection.close(1_000);
  });

  it('tells of misses', async () => {
    const world = await World.open({ auth: hmacAuth });
    world.server.send({ kind: 'missed', topic: text('m') });
    world.server.deliver('t', text('after'));
    expect(world.missed).to.deep.equal(['m']);
    expect(world.arrivals).to.have.length(1);
    await world.connection.close(1_000);
  });

  const bytes = randomBytes(3_000);
  const wrongs: Record<string, (world: World) => void> = {
    'a part without the first': ({ server }) => server.part(id, 1, headOf('t', bytes), bytes),
    'a gap': ({ server }) => {
      server.part(id, 0, headOf('t', bytes), bytes.subarray(0, 1_000));
      server.part(id, 2, headOf('t', bytes), bytes.subarray(2_000));
    },
    'the first part twice': ({ server }) => {
      server.part(id, 0, headOf('t', bytes), bytes.subarray(0, 1_000));
      server.part(id, 0, headOf('t', bytes), bytes.subarray(0, 1_000));
    },
    'a part of another message': ({ server }) => {
      server.part(id, 0, headOf('t', bytes), bytes.subarray(0, 1_000));
      server.part(Uint8Array.of(9), 1, headOf('t', bytes), bytes.subarray(1_000));
    },
    'more bytes than announced': ({ server }) =>
      server.part(id, 0, headOf('t', bytes, { compressedLength: 2_999, length: 2_999 }), bytes),
    'two lengths': ({ server }) => server.deliver('t', bytes, Infinity, { length: 2_999 }),
    'another hash': ({ server }) => server.deliver('t', bytes, Infinity, { sha512: new Uint8Array(64) }),
    'another hash, in parts': ({ server }) => server.deliver('t', bytes, 1_000, { sha512: new Uint8Array(64) }),
    'a message beyond maxMessageBytes': ({ server }) => server.deliver('t', randomBytes(5_001), 100),
    'a compressor that was never enabled': ({ server }) => server.deliver('t', bytes, Infinity, { compressor: 1 }),
    'an authorization of the message before': ({ server }) => {
      server.deliver('t', bytes);
      server.send({ kind: 'missed', topic: text('t') }, { authorization: 'X-HMAC 1000:abc:AAAA' });
    },
    'no authorization': ({ server }) => server.send({ kind: 'missed', topic: text('t') }, { authorization: '' }),
  };
  for (const [what, wrong] of Object.entries(wrongs)) {
    it(`drops a broadcaster that sends ${what}`, async () => {
      const world = await World.open({ auth: hmacAuth, maxMessageBytes: 5_000 });
      wrong(world);
      await until(() => world.losses.length > 0);
      expect(world.fault).to.be.instanceOf(ProtocolError);
      await settled();
      expect(world.arrivals.length).to.be.lessThan(2);
      expect(world.server.terminated).to.equal(true);
      expect(world.clock.size).to.equal(0);
    });
  }

  it('drops a broadcaster that does not wait for acknowledgements', async () => {
    const world = await World.open();
    world.onArrival = () => undefined;
    for (let i = 0; i < 300; i++) world.server.deliver('t', text('x'));
    expect(world.arrivals).to.have.length(255);
    expect(world.fault).to.be.instanceOf(ProtocolError).with.property('message').that.includes('255');
  });

  it('says so where HMAC has no room for the number of a part', async () => {
    const world = await World.open({ auth: hmacAuth });
    const many = randomBytes(300);
    for (let part = 0; world.losses.length === 0; part++) {
      world.server.part(id, part, headOf('t', many), many.subarray(part, part + 1));
      await settled();
    }
    expect(world.server.acks).to.have.length(256);
    expect(world.fault).to.be.instanceOf(ProtocolError).with.property('message').that.includes('HMAC');
  });

  it('lets a message go by that cannot be kept, and tells that it is missed', async () => {
    let discarded = 0;
    const full = (): BodyWriter => ({
      length: 0,
      write: () => Promise.reject(new Error('no space left')),
      end: () => Promise.reject(new Error('never')),
      discard: () => void discarded++,
    });
    const world = await World.open({ platform: { startBody: full }, spoolSize: 2_000 });
    world.server.deliver('large', randomBytes(5_000), 1_000);
    world.server.deliver('small', text('x'));
    await until(() => world.arrivals.length === 1);
    await settled();
    expect(world.missed).to.deep.equal(['large']);
    expect(world.server.acks).to.deep.equal(['part 0', 'part 1', 'part 2', 'part 3', 'message for 0', 'message for 1']);
    expect(discarded).to.equal(1);
    expect(world.logged.join()).to.include('could not be kept');
    expect(world.losses).to.be.empty;
    await world.connection.close(1_000);
  });

  it('throws away what had come of a message when the connection is lost', async () => {
    let open = 0;
    const startBody = (spoolSize: number): BodyWriter => {
      const writer = nodePlatform.startBody(spoolSize);
      open++;
      return {
        get length() {
          return writer.length;
        },
        write: (part) => writer.write(part),
        end: () => writer.end(),
        discard: () => {
          open--;
          writer.discard();
        },
      };
    };
    const world = await World.open({ platform: { startBody }, spoolSize: 100 });
    const head = headOf('t', bytes);
    world.server.part(id, 0, head, bytes.subarray(0, 1_000));
    await until(() => world.server.acks.length === 1);
    world.server.hangUp(1006);
    expect(open).to.equal(0);
    expect(world.arrivals).to.be.empty;
  });

  it('confirms what comes while it closes, for nobody', async () => {
    const world = await World.open();
    world.server.answers = false;
    const sent = world.notify('n', 'x');
    await settled();
    const closing = world.connection.close(1_000);
    for (let i = 0; i < 5; i++) world.server.deliver('t', text('x'));
    await settled();
    expect(world.server.acks).to.deep.equal(Array.from({ length: 5 }, () => 'message for 0'));
    world.server.answer(world.server.got[1]!);
    expect(await sent).to.deep.equal(['confirmed', 1]);
    await closing;
    expect(world.arrivals).to.be.empty;
  });
});

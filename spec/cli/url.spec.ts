import { inspect } from 'node:util';
import { expect } from 'chai';
import { authorityOf, looksLikeUrl, maskUrl, parseUrl } from '../../lib/cli/url.js';
import { durationOf, optionValue, readCount, readTime, setOption, sizeOf } from '../../lib/cli/values.js';
import { cli } from './cli-kit.js';

describe('rx-weir URLs', () => {
  it('say which broker, how to get there and where', () => {
    const facts = (text: string): unknown[] => {
      const { kind, transport, tls, endpoints, path } = parseUrl(text);
      return [kind, transport, tls, endpoints.map(authorityOf).join(), path];
    };
    expect(facts('memory:')).to.deep.equal(['memory', 'none', false, '', '']);
    expect(facts('memory:shop')).to.deep.equal(['memory', 'none', false, '', 'shop']);
    expect(facts('nats-streaming://h/c')).to.deep.equal(['nats-streaming', 'tcp', false, 'h:4222', 'c']);
    expect(facts('stan://h:1,i/c')).to.deep.equal(['nats-streaming', 'tcp', false, 'h:1,i:4222', 'c']);
    expect(facts('nats-streaming+wss://h:443/c')).to.deep.equal(['nats-streaming', 'ws', true, 'h:443', 'c']);
    expect(facts('rabbitmq-stream://h/%2F')).to.deep.equal(['rabbitmq-stream', 'tcp', false, 'h:5552', '/']);
    expect(facts('rabbitmq-stream+tls://h')).to.deep.equal(['rabbitmq-stream', 'tcp', true, 'h:5551', '']);
    expect(facts('rabbitmq-streams://h')).to.deep.equal(['rabbitmq-stream', 'tcp', true, 'h:5551', '']);
    expect(facts('rabbitmq-stream://h?tls=true')).to.deep.equal(['rabbitmq-stream', 'tcp', true, 'h:5551', '']);
    expect(facts('liftbridge://[::1]:9293?tls.servername=a')).to.deep.equal([
      'liftbridge',
      'tcp',
      true,
      '[::1]:9293',
      '',
    ]);
    expect(facts('LonelyPS://h/prefix')).to.deep.equal(['lonelyps', 'http', false, 'h:3003', 'prefix']);
    expect(facts('lonelyps+https://h')).to.deep.equal(['lonelyps', 'http', true, 'h:443', '']);
    expect(facts('lonelyps+ws://h')).to.deep.equal(['lonelyps', 'ws', false, 'h:3003', '']);
  });

  it('have options by their names, nested, with what their text means', () => {
    const { options, user, password } = parseUrl(
      'stan://us%40er:p%3Aw:d@h/c?clientId=12&pingInterval=2s&reconnect.maxAttempts=3&reconnect.initial=true&reconnect.maxDelay=1m30s&connectTimeout=1500',
    );
    expect(options).to.deep.equal({
      clientId: '12',
      pingInterval: 2000,
      reconnect: { maxAttempts: 3, initial: true, maxDelay: 90_000 },
      connectTimeout: 1500,
    });
    expect([user, password]).to.deep.equal(['us@er', 'p:w:d']);
    expect(parseUrl('liftbridge://h?maxMessageBytes=4MiB&pingInterval=Infinity').options).to.deep.equal({
      maxMessageBytes: 4 * 2 ** 20,
      pingInterval: Infinity,
    });
    expect(parseUrl('stan://h/c?natsOptions.token=1e5').options).to.deep.equal({ natsOptions: { token: '1e5' } });
  });

  it('that are wrong are refused with the reason, and without their secrets', () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['amqp://u:hush@h', /no broker 'amqp:'; RabbitMQ Streams have a protocol .* of their own/],
      ['nats://h', /NATS Streaming is meant by nats-streaming:/],
      ['https://h', /lonelyps is meant by lonelyps\+https:/],
      ['kafka://h', /no broker 'kafka:'\. A URL looks like memory:/],
      ['liftbridge://', /names no host/],
      ['liftbridge://u:hush@h:99999', /a port is a number from 1 to 65535/],
      ['liftbridge://u:hush@a b', /is no host/],
      ['liftbridge://h::1', /IPv6 address goes into brackets/],
      ['stan://u:hush@h/%zz', /its path is not percent-encoded/],
      ['rabbitmq-stream+tls://h?tls=false', /its scheme has TLS/],
      ['rabbitmq-stream://h?tls=maybe', /tls is true or false/],
      ['liftbridge://h?reconnect=false&reconnect.initial=true', /'reconnect', which is given a value too/],
      ['memory://h', /the memory broker has no host/],
    ];
    for (const [url, words] of wrong) {
      expect(() => parseUrl(url), url)
        .to.throw(words)
        .with.property('message')
        .that.does.not.include('hush');
    }
  });

  it('are shown without passwords and tokens, however they are shown', () => {
    expect(maskUrl('stan://user:pw@h/c?a=1')).to.equal('stan://user:***@h/c?a=1');
    expect(maskUrl('stan://t0ken@h/c')).to.equal('stan://***@h/c');
    expect(maskUrl('stan://u:a@b@h/c')).to.equal('stan://u:***@h/c');
    expect(maskUrl('lonelyps://h?auth.toBroadcaster.token=xyz&retries=2&tls.passphrase=q&credentials.x=y')).to.equal(
      'lonelyps://h?auth.toBroadcaster.token=***&retries=2&tls.passphrase=***&credentials.x=***',
    );
    const url = parseUrl('stan://user:hush@h/c?natsOptions.pass=hush');
    expect(inspect(url, { depth: 9 }) + JSON.stringify(url)).not.to.include('hush');
  });

  it('are told from channels', () => {
    for (const text of ['memory:', 'memory:a', 'stan://h', 'wrong://x'])
      expect(looksLikeUrl(text), text).to.equal(true);
    for (const text of ['orders', 'a:b', 'a.b>', 'stan:', '']) expect(looksLikeUrl(text), text).to.equal(false);
  });

  it('may come from --server and RX_WEIR_URL, once', async () => {
    const env = { RX_WEIR_URL: 'memory:from-env' };
    expect(await cli(['pub', 'c', 'x', '-q'], { env })).to.include({ code: 0 });
    expect((await cli(['sub', '-s', 'memory:from-env', 'c', '-e'])).stdout).to.equal('x\n');
    expect(await cli(['sub', 'c'])).to.deep.include({ code: 2, stdout: '' });
    expect((await cli(['sub', 'memory:', 'c', '-s', 'memory:'])).stderr).to.match(/the URL is given twice/);
    expect((await cli(['sub', 'memory:?maxmessages=3', 'c'])).stderr).to.match(/did you mean 'maxMessages'/);
  });

  it('of lonelyps over HTTP must say where a broadcaster calls back, but on this machine', async () => {
    const ran = await cli(['sub', 'lonelyps://elsewhere.example', 'topic']);
    expect(ran.code).to.equal(2);
    expect(ran.stderr).to.match(/calls back.*lonelyps\+ws:\/\//);
  });
});

describe('rx-weir values', () => {
  it('are durations, sizes, counts and times', () => {
    expect(['5', '1.5s', '10m', '1h30m', '2d', '250ms', '1x', ''].map(durationOf)).to.deep.equal([
      5,
      1500,
      600_000,
      5_400_000,
      172_800_000,
      250,
      undefined,
      undefined,
    ]);
    expect(['128', '128B', '1kb', '1KiB', '1.5MB', '1GiB', '1x'].map(sizeOf)).to.deep.equal([
      128,
      128,
      1000,
      1024,
      1_500_000,
      2 ** 30,
      undefined,
    ]);
    expect(readCount('-c', '100_000')).to.equal(100_000);
    for (const text of ['0', '-1', '1.5', 'x', '', '9007199254740993'])
      expect(() => readCount('-c', text), text).to.throw(/-c/);
    expect(readTime('--time', '2026-01-31T12:00:00Z')).to.equal(Date.UTC(2026, 0, 31, 12));
    expect(() => readTime('--time', 'soon')).to.throw(/--time takes a time/);
  });

  it('of options are lists where they are given twice, and reach no prototype', () => {
    const options: Record<string, unknown> = {};
    setOption(options, 'filter.values', optionValue('filter.values', 'a,b'));
    setOption(options, 'filter.values', optionValue('filter.values', 'c'));
    setOption(options, '__proto__.polluted', true);
    expect(options['filter']).to.deep.equal({ values: ['a', 'b', 'c'] });
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
    expect(Object.keys(options)).to.deep.equal(['filter', '__proto__']);
  });
});

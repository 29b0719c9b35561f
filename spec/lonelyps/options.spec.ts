import { inspect } from 'node:util';
import { expect } from 'chai';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { resolveOptions, type LonelypsOptions, type ResolvedOptions } from '../../lib/lonelyps/options.js';
import type { HttpPlatform } from '../../lib/lonelyps/platform.js';

const node = { name: 'node', http: {} as HttpPlatform } as const;
const page = { name: 'browser', http: undefined } as const;

const broadcasters = 'http://localhost:3003';

function resolve(options: Partial<LonelypsOptions>, platform: typeof node | typeof page = node): ResolvedOptions {
  return resolveOptions({ broadcasters, ...options }, platform);
}

function problem(options: Record<string, unknown>, platform: typeof node | typeof page = node): string {
  try {
    resolve(options, platform);
  } catch (error) {
    expect(error).to.be.instanceOf(InvalidOptionError);
    return (error as Error).message;
  }
  throw new Error(`${inspect(options)} was accepted`);
}

describe('lonelyps options', () => {
  it('have defaults', () => {
    const resolved = resolve({});
    expect(resolved).to.deep.include({
      transport: 'http',
      broadcasters: [{ url: 'http://localhost:3003', priority: Infinity }],
      receive: { kind: 'none' },
      retries: 2,
      resend: false,
      totalTimeout: 30_000,
      connectTimeout: 10_000,
      closeTimeout: 10_000,
      checkInterval: 300_000,
      answer: 'buffered',
      answerWithin: 4_000,
      dedupe: undefined,
      spoolSize: 10_485_760,
      maxMessageBytes: 104_857_600,
      connections: 32,
      pingInterval: 10_000,
      pingTimeout: 5_000,
      headersTimeout: 5_000,
      bodyTimeout: 30_000,
      maxConnections: 256,
    });
    expect(resolved.reconnect?.maxAttempts).to.equal(Infinity);
  });

  it('say what is wrong with them', () => {
    expect(problem({ broadcasters: undefined })).to.match(/broadcasters is required/);
    expect(problem({ broadcasters: [] })).to.match(/broadcasters must be/);
    expect(problem({ retires: 3 })).to.match(/no option 'retires', did you mean 'retries'/);
    expect(problem({ retries: 0 })).to.match(/retries must be an integer from 1 to 20; got 0/);
    expect(problem({ answer: 'never' })).to.match(/answer must be one of 'buffered', 'settled'/);
    expect(problem({ answerWithin: 30_001 })).to.match(/answerWithin must be/);
    expect(problem({ dedupe: {} })).to.match(/dedupe\.ms is required/);
    expect(problem({ checkInterval: 10 })).to.match(/checkInterval must be/);
    expect(problem({ auth: { toBroadcaster: { type: 'basic' } } })).to.match(/auth/);
    expect(problem({ logger: {} })).to.match(/logger must be/);
  });

  describe('broadcasters', () => {
    it('are URLs with a path, each once, with priorities', () => {
      const { broadcasters: resolved } = resolve({
        broadcasters: [
          'https://one/',
          { host: 'https://two:3003/prefix//', priority: 1 },
          { host: 'https://ONE:443', priority: 2 },
        ],
      });
      expect(resolved).to.deep.equal([
        { url: 'https://one', priority: 2 },
        { url: 'https://two:3003/prefix', priority: 1 },
      ]);
    });

    it('decide the transport', () => {
      expect(resolve({ broadcasters: 'ws://a' })).to.deep.include({
        transport: 'websocket',
        receive: { kind: 'websocket' },
      });
      const over = resolve({ broadcasters: ['http://a', 'wss://b'].slice(0, 1), receive: { websocket: true } });
      expect(over.broadcasters).to.deep.equal([{ url: 'ws://a', priority: Infinity }]);
      expect(resolve({ broadcasters: 'https://a', receive: { websocket: true } }).broadcasters[0]?.url).to.equal(
        'wss://a',
      );
      expect(problem({ broadcasters: ['http://a', 'ws://b'] })).to.match(/all begin with 'http', or all with 'ws'/);
    });

    it('are refused without being printed', () => {
      for (const [given, why] of [
        ['localhost:3003', /must be a URL/],
        ['nats://hunter2', /must be a URL/],
        ['http://me:hunter2@host', /user or password/],
        ['http://host/?hunter2', /query or a fragment/],
        ['http://host/#', /query or a fragment/],
      ] as const) {
        const message = problem({ broadcasters: [broadcasters, given] });
        expect(message)
          .to.match(why)
          .and.match(/broadcasters\[1\]/);
        expect(message).not.to.include('hunter2');
      }
      expect(problem({ broadcasters: { host: 7 } })).not.to.include('7');
    });
  });

  describe('receive', () => {
    it('listens on this machine alone where nothing says how else it is reached', () => {
      expect(resolve({ receive: { listen: {} } }).receive).to.deep.equal({
        kind: 'listen',
        address: '127.0.0.1',
        port: 0,
        host: undefined,
      });
    });

    it('listens on all addresses where it is said, and keeps path and fragment', () => {
      const { receive } = resolve({ receive: { listen: { port: 3002 }, host: 'http://Me.example:3002/path/#1' } });
      expect(receive).to.deep.equal({
        kind: 'listen',
        address: '0.0.0.0',
        port: 3002,
        host: { origin: 'http://me.example:3002', prefix: '/path', fragment: '#1' },
      });
    });

    it('takes a handler, which must say where it is', () => {
      expect(resolve({ receive: { handler: true, host: 'https://me' } }).receive).to.deep.equal({
        kind: 'handler',
        host: { origin: 'https://me', prefix: '', fragment: '' },
      });
      expect(problem({ receive: { handler: true } })).to.match(/receive\.host is required/);
    });

    it('refuses what cannot be', () => {
      expect(problem({ receive: {} })).to.match(/receive must be \{ listen/);
      expect(problem({ receive: { listen: { port: 70_000 } } })).to.match(/receive\.listen\.port must be/);
      expect(problem({ receive: { listen: { host: '0.0.0.0' } } })).to.match(/give receive\.host/);
      expect(problem({ receive: { listen: { host: '::' } } })).to.match(/give receive\.host/);
      expect(problem({ receive: { listen: {}, host: 'http://me' } })).to.match(/receive\.listen\.port is required/);
      expect(problem({ receive: { listen: { port: 1 }, host: 'ws://me' } })).to.match(/receive\.host must be/);
      expect(problem({ receive: { listen: { port: 1 }, host: 'http://me/?a' } })).to.match(/query/);
      const secret = problem({ receive: { listen: { port: 1 }, host: 'http://me:hunter2@me' } });
      expect(secret)
        .to.match(/password/)
        .and.not.include('hunter2');
      expect(problem({ broadcasters: 'ws://a', receive: { listen: { port: 1 } } })).to.match(/leave receive out/);
    });
  });

  describe('auth', () => {
    const auth = { toBroadcaster: { type: 'token', token: 'hunter2' } } as const;

    it('is not printed with the rest, nor is tls', () => {
      const resolved = resolve({ broadcasters: 'https://a', auth, tls: { passphrase: 'hunter2', pfx: 'hunter2' } });
      expect(resolved.auth).to.equal(auth);
      expect(resolved.tls).to.deep.equal({ passphrase: 'hunter2', pfx: 'hunter2' });
      expect(inspect(resolved, { depth: 9 }) + JSON.stringify(resolved)).not.to.include('hunter2');
    });

    it('is refused by the member that is wrong, without showing a secret', () => {
      for (const [toBroadcaster, why] of [
        [{ type: 'token' }, /auth\.toBroadcaster\.token is required/],
        [{ type: 'token', token: 'hunter2\n' }, /auth\.toBroadcaster\.token must be .* printable ASCII/],
        [{ type: 'hunter2' }, /auth\.toBroadcaster\.type must be 'none', 'token' or 'hmac'/],
        [{ type: 'hmac', secret: 'hunter2' }, /auth\.toBroadcaster\.secret must be 64 bytes .* 86 characters/],
        ['hunter2', /auth\.toBroadcaster must be \{ type/],
      ] as const) {
        const message = problem({ auth: { toBroadcaster, toSubscriber: { type: 'none' } } });
        expect(message).to.match(why).and.not.include('hunter2');
      }
      expect(problem({ auth: 'hunter2' }))
        .to.match(/auth must be an object/)
        .and.not.include('hunter2');
    });

    it('may be a promise, whose rejection is heard though nobody awaits it', async () => {
      const rejected: unknown[] = [];
      const listen = (reason: unknown): number => rejected.push(reason);
      process.on('unhandledRejection', listen);
      resolve({ auth: Promise.reject(new Error('no file')) });
      await new Promise((done) => setImmediate(done));
      process.off('unhandledRejection', listen);
      expect(rejected).to.deep.equal([]);
    });
  });

  describe('compression', () => {
    it('is on in Node, off in a page, and with true it must be there', () => {
      const none = { dictionaries: new Map(), initial: 0, training: true };
      expect(resolve({ broadcasters: 'ws://a' }).compression).to.deep.equal({ ...none, required: false });
      expect(resolve({ broadcasters: 'ws://a', compression: true }).compression?.required).to.equal(true);
      expect(resolve({ broadcasters: 'ws://a', compression: false }).compression).to.equal(undefined);
      expect(resolve({ broadcasters: 'ws://a' }, page).compression).to.equal(undefined);
    });

    it('takes dictionaries by number', () => {
      const dictionary = Uint8Array.of(1);
      const compression = { dictionaries: { 2: dictionary }, initial: 2, training: false };
      expect(resolve({ broadcasters: 'ws://a', compression }, page).compression).to.deep.equal({
        required: true,
        dictionaries: new Map([[2, dictionary]]),
        initial: 2,
        training: false,
      });
      const socket = { broadcasters: 'ws://a' };
      expect(problem({ ...socket, compression: { dictionaries: { 1: dictionary } } })).to.match(/from 2 to 65535/);
      expect(problem({ ...socket, compression: { initial: 3 } })).to.match(/none of that number/);
      expect(problem({ compression: true })).to.match(/for the websocket/);
    });
  });

  it('know what a page cannot do', () => {
    expect(problem({}, page)).to.match(/websocket alone/);
    expect(problem({ broadcasters: 'wss://a', tls: true }, page)).to.match(/tls is not accepted in a page/);
    expect(resolve({ receive: { websocket: true } }, page).transport).to.equal('websocket');
  });

  it('do not contradict each other', () => {
    expect(problem({ tls: true })).to.match(/no broadcaster begins with 'https/);
    expect(problem({ broadcasters: 'https://a', tls: false })).to.match(/tls is false/);
    const given = { broadcasters: 'wss://a', receive: { websocket: true }, WebSocket: class extends EventTarget {} };
    expect(problem({ ...given, tls: { ca: 'x' } })).to.match(/tls is set up by the WebSocket that is given/);
    expect(problem({ broadcasters: 'https://a', tls: { cert: 'x' } })).to.match(/tls\.cert is given without tls\.key/);
    expect(problem({ WebSocket: EventTarget })).to.match(/WebSocket is given/);
  });

  it('warn of a patience beyond that of broadcasters', () => {
    const warned: string[] = [];
    const nothing = (): void => undefined;
    const logger = { debug: nothing, info: nothing, error: nothing, warn: (text: string) => warned.push(text) };
    resolve({ answerWithin: 6_000, logger });
    expect(warned).to.have.length(1);
  });
});

import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { entries, frameworkEntries, node, optionalPeers } from './built.js';
import { consumer, type Consumer } from './consumer.js';

const factories = {
  'rx-weir/memory': 'memory',
  'rx-weir/nats-streaming': 'natsStreaming',
  'rx-weir/rabbitmq-stream': 'rabbitmqStream',
  'rx-weir/liftbridge': 'liftbridge',
  'rx-weir/lonelyps': 'lonelyps',
} as const;

/** What Node compresses with by itself in some of its versions. */
const zstd = ['zstd', '@bokuweb/zstd-wasm'] as const;

describe('the installed package, without its optional peers', function () {
  let program: Consumer;

  before(async () => {
    program = await consumer();
    for (const peer of [...optionalPeers, '@grpc/grpc-js']) {
      expect(existsSync(join(program.folder, 'node_modules', peer)), peer).to.be.false;
    }
  });

  const run = async (name: string, lines: string, flags: readonly string[] = []): Promise<string> =>
    (await node([...flags, await program.write(name, lines)], program.folder)).trim();

  for (const entry of entries) {
    it(`import ${entry}`, async () => {
      const names = await run(
        'load.mjs',
        `import * as all from '${entry}'; console.log(Object.keys(all).sort().join(' '));`,
      );
      expect(names).to.not.equal('');
    });

    it(`require ${entry}: the same things`, async () => {
      const same = await run(
        'load.cjs',
        `const required = require('${entry}');
        import('${entry}').then((imported) => {
          const names = Object.keys(imported);
          console.log(names.length > 0 && names.every((name) => required[name] === imported[name]));
        });`,
      );
      expect(same).to.equal('true');
    });
  }

  for (const [entry, framework] of Object.entries(frameworkEntries)) {
    it(`import ${entry}: fails in one line that names ${framework}`, async () => {
      const said = await run('framework.mjs', `import('${entry}').catch((error) => console.log(error.message));`);
      expect(said).to.match(new RegExp(`^Cannot find package '${framework}'.*$`));
    });
  }

  it('the command is there, and says what to install for a broker whose client is not', async () => {
    const command = join(program.folder, 'node_modules/.bin/rx-weir');
    const { version } = JSON.parse(
      await run('version.cjs', `console.log(JSON.stringify(require('rx-weir/package.json')))`),
    ) as {
      version: string;
    };
    expect((await node([command, '--version'], program.folder)).trim()).to.equal(version);
    const refusal = await node([command, 'info', 'nats-streaming://127.0.0.1:1/c'], program.folder).catch(String);
    expect(refusal).to.match(/npm install nats/);
  });

  it('package.json can be read', async () => {
    expect(await run('manifest.cjs', `console.log(require('rx-weir/package.json').name)`)).to.equal('rx-weir');
  });

  it('what is not an entry point cannot be loaded', async () => {
    const code = await run(
      'inside.mjs',
      `import('rx-weir/dist/core/errors.js').catch((error) => console.log(error.code));`,
    );
    expect(code).to.equal('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  for (const [entry, factory] of Object.entries(factories)) {
    it(`the errors of ${entry} are those of rx-weir`, async () => {
      const known = await run(
        'errors.mjs',
        `import { InvalidOptionError, WeirError } from 'rx-weir';
        import { ${factory} } from '${entry}';
        try { ${factory}({ unknown: 1 }); } catch (error) {
          console.log(error instanceof InvalidOptionError, error instanceof WeirError, error.constructor === InvalidOptionError);
        }`,
      );
      expect(known).to.equal('true true true');
    });
  }

  it('a message goes through memory', async () => {
    const value = await run(
      'memory.cjs',
      `const { firstValueFrom } = require('rxjs');
      const { earliest, text } = require('rx-weir');
      const { memory } = require('rx-weir/memory');
      (async () => {
        const broker = memory();
        await broker.publish('greetings', 'hello', { codec: text });
        console.log(await firstValueFrom(broker.values('greetings', { start: earliest(), codec: text })));
        await broker.close();
      })();`,
    );
    expect(value).to.equal('hello');
  });

  for (const [scheme, peer] of [
    ['nats', 'nats'],
    ['ws', '@nats-io/nats-core'],
  ] as const) {
    it(`the first use of ${scheme}:// says in one line that ${peer} is to be installed`, async () => {
      const said = await run(
        'peer.mjs',
        `import { natsStreaming } from 'rx-weir/nats-streaming';
        globalThis.WebSocket ??= class {};
        const broker = natsStreaming({
          clusterId: 'c', clientId: 'me', servers: '${scheme}://127.0.0.1:1', reconnect: false,
        });
        await broker.connect().then(() => console.log('connected'), (error) => console.log(error.message));
        await broker.close();`,
      );
      expect(said).to.match(new RegExp(`npm install ${peer}(?![\\w/@-])`));
      expect(said.split('\n')).to.have.length(1);
    });
  }

  for (const [where, broadcasters, peer, flags] of [
    ['http:// in Node', 'http://127.0.0.1:1', 'undici', []],
    ['ws:// in Node', 'ws://127.0.0.1:1', 'ws', []],
    ['ws:// in a page', 'ws://127.0.0.1:1', '@noble/hashes', ['--conditions=browser']],
  ] as const) {
    it(`the first use of a lonelyps broadcaster with ${where} says in one line that ${peer} is to be installed`, async () => {
      const said = await run(
        'lonelyps-peer.mjs',
        `import { UnsupportedError } from 'rx-weir';
        import { lonelyps } from 'rx-weir/lonelyps';
        const options = { broadcasters: '${broadcasters}', reconnect: false };
        const uses = {
          connect: (broker) => broker.connect(),
          publish: (broker) => broker.publish('a', new Uint8Array(1)),
          stream: (broker) => broker.publish('a', new Blob(['x'])),
          ...(options.broadcasters.startsWith('ws') && {
            messages: (broker) => new Promise((resolve, reject) => broker.messages('a').subscribe({ error: reject })),
          }),
        };
        for (const [name, use] of Object.entries(uses)) {
          const broker = lonelyps(options);
          await use(broker).then(
            () => console.log(name, 'did not fail'),
            (error) => console.log(error instanceof UnsupportedError, error.detail.package, error.message),
          );
          await broker.close();
        }`,
        flags,
      );
      const lines = said.split('\n');
      expect(lines, said).to.have.length(broadcasters.startsWith('ws') ? 4 : 3);
      for (const line of lines) {
        expect(line).to.match(new RegExp(`^true ${peer} lonelyps .*: npm install ${peer}$`));
      }
    });
  }

  it('a handle on lonelyps that is not used needs no package', async () => {
    const said = await run(
      'lonelyps-unused.mjs',
      `import { lonelyps } from 'rx-weir/lonelyps';
      for (const broadcasters of ['http://127.0.0.1:1', 'ws://127.0.0.1:1']) {
        const broker = lonelyps({ broadcasters, ...(broadcasters.startsWith('http') && { receive: { listen: {} } }) });
        broker.messages('a');
        broker.sink('a');
        await broker.close();
      }
      console.log('fine');`,
    );
    expect(said).to.equal('fine');
  });

  it('lonelyps over a WebSocket that it is given needs no package', async () => {
    const said = await run(
      'lonelyps-own-websocket.mjs',
      `import { lonelyps } from 'rx-weir/lonelyps';
      class Refused {
        constructor() { setTimeout(() => this.onclose?.({ code: 1006, reason: '' })); }
        close() {}
      }
      const broker = lonelyps({ broadcasters: 'ws://127.0.0.1:1', WebSocket: Refused, reconnect: false });
      await broker.connect().then(() => console.log('connected'), (error) => console.log(error.name));
      await broker.close();`,
    );
    expect(said).to.equal('ConnectionError');
  });

  it('a connection to Liftbridge is tried without any package', async () => {
    const said = await run(
      'no-grpc.mjs',
      `import { createServer } from 'node:net';
      import { liftbridge } from 'rx-weir/liftbridge';
      const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\\r\\n\\r\\n')).listen(0, '127.0.0.1', async () => {
        const broker = liftbridge({ brokers: '127.0.0.1:' + server.address().port, connectTimeout: 2000, reconnect: false });
        await broker.connect().then(() => console.log('connected'), (error) => console.log(error.name));
        await broker.close();
        server.close();
      });`,
    );
    expect(said).to.equal('ConnectionError');
  });

  for (const [compression, peer] of [['snappy', 'snappy'], ...('zstdCompressSync' in zlib ? [] : [zstd])] as const) {
    it(`the first message that ${compression} compresses says in one line that ${peer} is to be installed`, async () => {
      const said = await run(
        'compression.mjs',
        `import { createServer } from 'node:net';
        import { rabbitmqStream } from 'rx-weir/rabbitmq-stream';
        const silent = createServer().listen(0, '127.0.0.1', async () => {
          const broker = rabbitmqStream({ host: '127.0.0.1', port: silent.address().port, closeTimeout: 100 });
          const sink = broker.sink('orders', { subEntry: { size: 10, compression: '${compression}' } });
          const { error } = await sink.send(new Uint8Array(1));
          console.log(error.name, error.message);
          await broker.close();
          silent.close();
        });`,
      );
      expect(said).to.match(new RegExp(`^UnsupportedError .*npm install ${peer}$`));
    });
  }
});

import { once } from 'node:events';
import { appendFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { of } from 'rxjs';
import {
  ClosedError,
  ConnectionError,
  InUseError,
  InvalidOptionError,
  ProtocolError,
  PublishError,
  WeirError,
} from '../../lib/core/errors.js';
import { type LonelypsBroker, type LonelypsOptions } from '../../lib/lonelyps/index.js';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { removeFolder, temporaryFolder } from '../support/guard.js';
import { unique } from '../support/names.js';
import { startProxy } from '../support/proxy.js';
import { everythingOf, failureOf, Log, refuses, type ErrorType } from '../support/refusals.js';
import { Told } from '../support/told.js';
import { until } from '../support/wait.js';
import { allRefuse as everyCallRefuses, everyCall, topicCalls, works, type Words } from './bad-input-kit.js';
import { reaches, through } from './faults-kit.js';
import { Handles, Heard, subscribed, transports } from './lonelyps-kit.js';

const bytes = new Uint8Array([1, 2, 3]);

/** The methods without their types, for what a program in JavaScript could give. */
type Loose = Record<keyof LonelypsBroker & string, (...given: unknown[]) => unknown>;

for (const transport of transports) {
  describe(`lonelyps over ${transport}: bad input`, function () {
    this.timeout(60_000);
    const handles = new Handles();
    const log = new Log();
    let server: LonelypssServer;
    let broker: LonelypsBroker;
    let loose: Loose;
    let folder: string;
    /** Nothing of it may be printed. */
    let secrets: string[];

    const open = (options: Partial<LonelypsOptions> = {}, at = server): LonelypsBroker =>
      handles.open(transport, at, { logger: log, connectTimeout: 5_000, ...options });

    const allRefuse = (options: Partial<LonelypsOptions>, type: ErrorType, ...words: Words): Promise<void> =>
      everyCallRefuses(() => open(options), type, words, secrets);

    before(async () => {
      server = await startLonelypss({ auth: 'hmac', sweepInterval: 500 });
      const { toBroadcaster, toSubscriber } = server.auth;
      secrets = [toBroadcaster, toSubscriber].map((side) => (side.type === 'hmac' ? side.secret : ''));
      expect(secrets).to.not.include('');
      broker = open();
      loose = broker as unknown as Loose;
      folder = await temporaryFolder();
    });

    // whatever was refused, the handle works
    afterEach(() => works(broker));

    after(async () => {
      const shown = [everythingOf(broker), ...log.lines].join('\n');
      for (const secret of secrets) expect(shown).to.not.include(secret);
      await handles.close();
      await removeFolder(folder);
      await server.stop();
    });

    describe('topics and globs', () => {
      it('topics that are too long, or nothing that has bytes', async () => {
        const bad: [topic: unknown, ...words: Words][] = [
          ['x'.repeat(65_536), '65535'],
          ['ü'.repeat(32_768), '65535'],
          [new Uint8Array(65_536), '65'],
          ['a\ud800', 'half'],
          [5, 'must be'],
          [undefined, /must be|required|empty/],
          [null, /must be|required/],
          [['a'], 'must be'],
        ];
        for (const [topic, ...words] of bad) {
          for (const call of topicCalls(broker, topic as string)) {
            const error = await refuses(call, InvalidOptionError, words);
            expect(error.message.length, 'what is too long is not shown whole').to.be.lessThan(1_000);
          }
        }
        await refuses(() => loose.messages({ exact: ['a', 'x'.repeat(65_536)] }), InvalidOptionError, ['65535']);
      });

      it('the longest topic is good, and the empty one', async () => {
        for (const topic of ['y'.repeat(65_535), '']) {
          const heard = new Heard(broker, topic);
          await subscribed(broker);
          await reaches(broker, topic, heard);
          heard.unsubscribe();
        }
      });

      it('globs that cannot match, and selections of nothing', async () => {
        const bad: [selection: unknown, ...words: Words][] = [
          [{ glob: 'a[bc' }, 'glob', '['],
          [{ glob: ['a*', '[^]'] }, 'glob', '['],
          [{ glob: 'x'.repeat(65_536) }, '50000'],
          [{ glob: 'a\udfff' }, 'half'],
          [{ glob: 5 }, 'glob must be'],
          [{ exact: [], glob: [] }, 'empty'],
          [{}, 'empty'],
          [{ globs: 'a*' }, "'globs'", "'glob'"],
        ];
        for (const [selection, ...words] of bad) {
          for (const method of ['messages', 'values', 'hot'] as const) {
            await refuses(() => loose[method](selection), InvalidOptionError, words);
          }
          // an Observable may give nothing for a while
          if (!words.includes('empty')) await refuses(() => loose.messages(of(selection)), InvalidOptionError, words);
        }
      });
    });

    it('values without bytes, and files that cannot be read', async () => {
      const file = join(folder, 'none');
      for (const value of [5, 'text', null, undefined, {}, [1, 2]]) {
        await refuses(() => loose.publish('topic', value), WeirError, [/bytes/]);
      }
      async function* texts(): AsyncGenerator {
        yield await Promise.resolve('text');
      }
      await refuses(() => loose.publish('topic', texts()), PublishError, ['the stream gave a string instead of bytes']);
      await refuses(() => loose.publish('topic', { file }), InvalidOptionError, [file, 'ENOENT']);
      await refuses(() => loose.publish('topic', { file: folder }), InvalidOptionError, [folder]);
    });

    it('a file that grows after its length was said', async () => {
      const file = join(folder, 'growing');
      await writeFile(file, bytes);
      const proxy = await startProxy(server);
      try {
        proxy.stall(true);
        const handle = open({ spoolSize: 1 }, through(proxy, server));
        const published = failureOf(() => handle.publish('topic', { file }));
        await until(() => proxy.connections > 0);
        await appendFile(file, 'more');
        proxy.stall(false);
        const error = await published;
        expect(error).to.be.instanceOf(PublishError);
        expect(error.message).to.include(file);
        await works(handle);
        await handle.close();
      } finally {
        await proxy.stop();
      }
    });

    it('a message over maxMessageBytes: told, and the next ones come', async () => {
      const handle = open({ maxMessageBytes: 1_000 });
      const told = new Told(handle);
      const topic = unique('topic');
      const heard = new Heard(handle, topic);
      await subscribed(handle);
      await reaches(broker, topic, heard);
      const large = failureOf(() => broker.publish(topic, new Uint8Array(2_000))).catch(() => undefined);
      await until(() => told.of('missed').length > 0, { timeout: 20_000 });
      const faults = [...told.of('protocol'), ...told.of('disconnected').map(({ cause }) => ({ error: cause }))];
      expect(faults[0]?.error).to.be.instanceOf(ProtocolError);
      expect((faults[0]?.error as Error).message).to.match(/2000.*1000/);
      await large;
      await subscribed(handle);
      await reaches(broker, topic, heard);
      expect(heard.texts.every((text) => text.startsWith('probe'))).to.equal(true);
      await handle.close();
    });

    if (transport === 'http') {
      it('a port in use: nothing is left listening, and the same handle can be asked again', async () => {
        const taken = createServer().listen(0, '127.0.0.1');
        await once(taken, 'listening');
        const { port } = taken.address() as AddressInfo;
        const receive = { listen: { host: '127.0.0.1', port } };
        await allRefuse({ receive }, InUseError, `127.0.0.1:${port}`, 'in use', 'receive.listen');
        const handle = open({ receive });
        await refuses(() => handle.connect(), InUseError, [String(port)]);
        await new Promise((resolve) => taken.close(resolve));
        await works(handle);
        await handle.close();
        await allRefuse({ receive: { listen: { host: '192.0.2.1', port: 0 } } }, ConnectionError, '192.0.2.1');
      });
    }

    it('a closed handle says so', async () => {
      const closed = open();
      await closed.connect();
      await closed.close();
      for (const call of everyCall(closed)) await refuses(call, ClosedError, []);
    });
  });
}

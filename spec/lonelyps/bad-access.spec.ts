import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  AuthenticationError,
  BrokerTimeoutError,
  ConnectionError,
  InvalidOptionError,
  WeirError,
} from '../../lib/core/errors.js';
import {
  authFromFile,
  type AuthSide,
  type LonelypsAuth,
  type LonelypsBroker,
  type LonelypsOptions,
} from '../../lib/lonelyps/index.js';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { removeFolder, temporaryFolder } from '../support/guard.js';
import { freePort } from '../support/ports.js';
import { everythingOf, Log, type ErrorType } from '../support/refusals.js';
import { allRefuse as everyCallRefuses, works, type Words } from './bad-input-kit.js';
import { Handles, transports } from './lonelyps-kit.js';
import { listenWith } from './other-server.js';

for (const transport of transports) {
  describe(`lonelyps over ${transport}: secrets and addresses`, function () {
    this.timeout(60_000);
    const handles = new Handles();
    const log = new Log();
    let server: LonelypssServer;
    let broker: LonelypsBroker;
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

    describe('secrets', () => {
      const wrong = (type: 'token' | 'hmac'): AuthSide => {
        const secret = randomBytes(64).toString('base64url');
        secrets.push(secret);
        return type === 'token' ? { type, token: secret } : { type, secret };
      };

      it('a file that cannot be read, and a promise of them that is broken', async () => {
        const file = join(folder, 'subscriber-secrets.json');
        await allRefuse({ auth: authFromFile(file) }, InvalidOptionError, file, 'ENOENT');
        await writeFile(file, server.secrets().slice(0, -20));
        await allRefuse({ auth: authFromFile(file) }, InvalidOptionError, file, 'no JSON');
        await writeFile(file, server.secrets());
        await works(open({ auth: authFromFile(file) }));
        const broken = Promise.reject(new Error('no vault'));
        await allRefuse({ auth: broken }, AuthenticationError, 'promise', 'auth');
        await allRefuse({ auth: Promise.resolve({ toBroadcaster: 5 } as never) }, InvalidOptionError, 'toBroadcaster');
      });

      it('wrong ones, in either direction', async () => {
        const { auth } = server;
        const cases: LonelypsAuth[] = [
          { ...auth, toBroadcaster: wrong('hmac') },
          { ...auth, toBroadcaster: wrong('token') },
          { ...auth, toBroadcaster: { type: 'none' } },
          { ...auth, toSubscriber: wrong('hmac') },
          { ...auth, toSubscriber: wrong('token') },
        ];
        for (const each of cases) await allRefuse({ auth: each }, AuthenticationError, server.host);
      });

      it('a wrong token', async () => {
        const tokens = await startLonelypss({ auth: 'token' });
        const { auth } = tokens;
        for (const side of [auth.toBroadcaster, auth.toSubscriber]) secrets.push((side as { token: string }).token);
        const { url, socketUrl } = tokens;
        const broadcasters = transport === 'http' ? url : socketUrl;
        try {
          await works(open({}, tokens));
          await allRefuse({ broadcasters, auth: { ...auth, toBroadcaster: wrong('token') } }, AuthenticationError);
          await allRefuse({ broadcasters, auth: { ...auth, toSubscriber: wrong('token') } }, AuthenticationError);
        } finally {
          await tokens.stop();
        }
      });
    });

    describe('addresses', () => {
      const scheme = transport === 'http' ? 'http' : 'ws';
      const oneTry = { reconnect: false, retries: 1 } as const;

      it('a port at which nobody listens, and a name without an address', async () => {
        const port = await freePort();
        const broadcasters = `${scheme}://127.0.0.1:${port}`;
        await allRefuse({ broadcasters, ...oneTry }, ConnectionError, `127.0.0.1:${port}`, 'ECONNREFUSED');
        await allRefuse({ broadcasters: `${scheme}://nowhere.invalid`, ...oneTry }, WeirError, 'nowhere.invalid');
      });

      it('a port that swallows everything', async () => {
        const hole = await listenWith(() => undefined);
        try {
          const options = { broadcasters: `${scheme}://${hole.address}`, connectTimeout: 400, ...oneTry };
          await allRefuse(options, BrokerTimeoutError, hole.address, /\d+ ms/, 'connectTimeout');
        } finally {
          await hole.stop();
        }
      });

      it('a port at which something else listens', async () => {
        for (const [said, words] of [
          ['HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n', ['404']],
          ['SSH-2.0-OpenSSH_9.2\r\n', []],
          ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi', []],
        ] as const) {
          const other = await listenWith((socket) => socket.once('data', () => socket.end(said)));
          try {
            await allRefuse(
              { broadcasters: `${scheme}://${other.address}`, ...oneTry },
              WeirError,
              other.address,
              ...words,
            );
          } finally {
            await other.stop();
          }
        }
      });
    });
  });
}

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import * as weir from '../../lib/index.js';
import {
  startLiftbridge,
  startLonelypss,
  startNatsStreaming,
  startRabbitMq,
  type LiftbridgeServer,
  type LonelypssServer,
  type NatsStreamingServer,
  type RabbitMqServer,
} from '../support/brokers/index.js';
import { command } from '../support/command.js';
import { freePort } from '../support/ports.js';
import { built, node, root } from '../package/built.js';
import { addressedTo, readme, snippetsOf, type Snippet } from './snippets.js';

const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];
const install = 'Run npm ci.';

describe('README.md', () => {
  const snippets = snippetsOf(readme);
  let folder: string;
  let nats: NatsStreamingServer;
  let rabbit: RabbitMqServer;
  let liftbridge: LiftbridgeServer;
  let liftbridgeTls: LiftbridgeServer;
  let lonelypss: LonelypssServer;

  before(async () => {
    await built();
    // inside of the package, so that it finds itself by its name
    await mkdir(join(root, 'temp'), { recursive: true });
    folder = await mkdtemp(join(root, 'temp/readme-'));
    // their own, so that the streams in README.md are not there yet
    [nats, rabbit, liftbridge, liftbridgeTls, lonelypss] = await Promise.all([
      startNatsStreaming({ websocket: true, needs: 'control' }),
      startRabbitMq({ external: true, needs: 'control' }),
      startLiftbridge({ needs: 'control' }),
      startLiftbridge({ tls: { verify: true }, needs: 'control' }),
      startLonelypss({ needs: 'control' }),
    ]);
  });

  after(async () => {
    await Promise.all([nats, rabbit, liftbridge, liftbridgeTls, lonelypss].map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  const write = async (snippet: Snippet): Promise<string> => {
    const path = join(folder, `${snippet.name.toLowerCase().replace(/\W+/g, '-')}.ts`);
    // each program has a port of its own, which the one before may not have left yet
    const callbackPort = await freePort();
    const servers = { nats, rabbit, liftbridge, liftbridgeTls, lonelypss, callbackPort };
    await writeFile(path, addressedTo(snippet.code, servers));
    return path;
  };

  it('has programs that compile', async () => {
    const files = await Promise.all(snippets.map(write));
    const config = join(folder, 'tsconfig.json');
    await writeFile(config, JSON.stringify({ extends: '../../tsconfig.json', files, include: [] }));
    await node(['node_modules/typescript/bin/tsc', '--noEmit', '-p', config]);
  });

  for (const snippet of snippets) {
    it(`runs: ${snippet.name}`, async () => {
      // Node 20 has its WebSocket behind this flag
      const flags = 'WebSocket' in globalThis ? [] : ['--experimental-websocket'];
      const printed = await command(process.execPath, [...flags, '--import', 'tsx', await write(snippet)], {
        cwd: root,
        env: { NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' },
        install,
      });
      expect(printed.trimEnd().split('\n'), snippet.code).to.deep.equal(
        snippet.prints.length === 0 ? [''] : snippet.prints,
      );
    });
  }

  it('begins with a promise and a program', () => {
    const [first] = snippets;
    expect(first?.name).to.equal('rx-weir');
    expect(first?.server).to.equal(false);
  });

  it('tells each error, its class and whether it is retriable', () => {
    const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| `(\w+)` \| (yes|no)\b/gm)].map(([, ...row]) => row);
    const classes = weir as unknown as Record<string, new (message: string) => weir.WeirError>;
    const actual = Object.values(classes)
      .filter((each) => typeof each === 'function' && Object.getPrototypeOf(each) === weir.WeirError)
      .map((each) => new each(''))
      .map(({ code, name, retriable }) => [code, name, retriable ? 'yes' : 'no']);
    expect(rows).to.have.deep.members(actual);
  });

  it('tells each operator, start, end and codec', () => {
    const functions = Object.entries(weir).filter(
      ([name, value]) => typeof value === 'function' && /^[a-z]/.test(name),
    );
    for (const [name] of functions) expect(readme, name).to.match(new RegExp(`\`${name}\\b`));
  });
});

describe('documents', () => {
  for (const document of documents) {
    it(`${document} links to files that exist`, async () => {
      const text = await readFile(join(root, document), 'utf8');
      const targets = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, target]) => target!);
      const missing = targets.filter((target) => !existsSync(join(root, dirname(document), target)));
      expect(missing).to.deep.equal([]);
    });
  }

  it('README.md links to headings that it has', () => {
    const anchors = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .trim()
        .replace(/\s/g, '-'),
    );
    const targets = [...readme.matchAll(/\]\(#([^)\s]+)\)/g)].map(([, target]) => target!);
    expect(targets.filter((target) => !anchors.includes(target))).to.deep.equal([]);
  });
});

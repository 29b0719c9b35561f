import { expect } from 'chai';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { removeFolder, temporaryFolder } from '../guard.js';
import { engineAnswers } from './docker-engine.js';

describe('support/brokers/docker-engine', () => {
  const previous = process.env['DOCKER_HOST'];
  let folder: string;
  let engine: Server | undefined;

  beforeEach(async () => {
    folder = await temporaryFolder();
    process.env['DOCKER_HOST'] = `unix://${join(folder, 'engine.sock')}`;
  });

  afterEach(async () => {
    if (previous === undefined) {
      delete process.env['DOCKER_HOST'];
    } else {
      process.env['DOCKER_HOST'] = previous;
    }
    engine?.closeAllConnections();
    engine?.close();
    engine = undefined;
    await removeFolder(folder);
  });

  const listen = async (answer: RequestListener): Promise<void> => {
    const server = createServer(answer);
    engine = server;
    await new Promise<void>((resolve) => server.listen(join(folder, 'engine.sock'), resolve));
  };

  it('finds an engine that answers', async () => {
    const paths: (string | undefined)[] = [];
    await listen((request, response) => {
      paths.push(request.url);
      response.end('OK');
    });
    expect(await engineAnswers()).to.equal(true);
    expect(paths).to.deep.equal(['/_ping']);
  });

  it('finds none without a socket, or where the engine fails or stays silent', async () => {
    expect(await engineAnswers()).to.equal(false);
    let isSilent = false;
    await listen((_, response) => {
      if (!isSilent) {
        response.writeHead(500).end();
      }
    });
    expect(await engineAnswers()).to.equal(false);
    isSilent = true;
    expect(await engineAnswers()).to.equal(false);
  });
});

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { build } from 'esbuild';
import { UnsupportedError } from '../../lib/index.js';
import { baseClass, load } from '../../lib/nest/packages.js';
import { node, root } from '../package/built.js';

describe('nest/packages', () => {
  const folders: string[] = [];
  after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

  /** A program, and beside it `packages.mjs`, as plain Node runs them. */
  async function program(parent: string, name: string, source: string): Promise<string> {
    await mkdir(parent, { recursive: true });
    const folder = await mkdtemp(join(parent, 'nest-packages-'));
    folders.push(folder);
    await build({
      entryPoints: [join(root, 'lib/nest/packages.ts')],
      outfile: join(folder, 'packages.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'error',
    });
    await writeFile(join(folder, name), source);
    return join(folder, name);
  }

  const compare = `
    const { nestCommon, nestCore, nestMicroservices, baseClass } = packages;
    class MyServer extends baseClass(() => nestMicroservices().Server) {}
    console.log(JSON.stringify([
      nestCommon().Module === common.Module,
      nestCore().ModulesContainer === core.ModulesContainer,
      nestMicroservices().Server === microservices.Server,
      MyServer.prototype instanceof microservices.Server,
    ]));`;

  it('loads the Nest that an ES module has imported', async () => {
    const file = await program(
      join(root, 'temp'),
      'app.mjs',
      `import * as common from '@nestjs/common';
       import * as core from '@nestjs/core';
       import * as microservices from '@nestjs/microservices';
       import * as packages from './packages.mjs';
       ${compare}`,
    );
    expect(JSON.parse(await node([file]))).to.deep.equal([true, true, true, true]);
  });

  it('loads the Nest that a CommonJS program has required', async () => {
    const file = await program(
      join(root, 'temp'),
      'app.cjs',
      `const common = require('@nestjs/common');
       const core = require('@nestjs/core');
       const microservices = require('@nestjs/microservices');
       const packages = require('./packages.mjs');
       ${compare}`,
    );
    expect(JSON.parse(await node(['--no-warnings', file]))).to.deep.equal([true, true, true, true]);
  });

  it('says in one line what to install, on first use and not before', async () => {
    const file = await program(
      tmpdir(),
      'app.mjs',
      `import { baseClass, nestCommon, nestMicroservices } from './packages.mjs';
       class MyServer extends baseClass(() => nestMicroservices().Server) {}
       for (const use of [nestCommon, () => new MyServer()]) {
         try {
           use();
         } catch ({ name, code, message }) {
           console.log(JSON.stringify({ name, code, message }));
         }
       }`,
    );
    const lines = (await node([file])).trim().split('\n');
    const expected = ['@nestjs/common', '@nestjs/microservices'].map((name) => ({
      name: 'UnsupportedError',
      code: 'UNSUPPORTED',
      message: `rx-weir/nest needs the package ${name}, which is not installed: npm install ${name}`,
    }));
    expect(lines.map((line) => JSON.parse(line) as unknown)).to.deep.equal(expected);
  });

  it('tells a package that is there and broken from one that is missing', () => {
    const broken = (): never => {
      throw Object.assign(new Error("Cannot find module 'tslib'\nRequire stack: a, b"), { code: 'MODULE_NOT_FOUND' });
    };
    expect(() => load('@nestjs/broken', broken)).to.throw(
      UnsupportedError,
      /^rx-weir\/nest needs the package @nestjs\/broken, which cannot be loaded \(Cannot find module 'tslib'\): npm install @nestjs\/broken$/,
    );
    expect(load('@nestjs/mended', () => 'it')).to.equal('it');
    expect(load('@nestjs/mended', broken)).to.equal('it');
  });

  it('hides no error that is not about a package', () => {
    const failing = (): never => {
      throw new TypeError('a slip');
    };
    expect(() => baseClass(failing)).to.throw(TypeError, 'a slip');
  });
});

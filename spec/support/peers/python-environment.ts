import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached } from '../cache.js';
import { command } from '../command.js';
import { willNeed } from '../provision.js';

/** A Python client or server, with a folder that has its scripts and its requirements. */
export interface PythonClient {
  /** What its environment is called in the cache. Two with one name and the same requirements share it. */
  readonly name: string;
  /** Its folder, as seen from the one of this file. Default: `name`. */
  readonly folder?: string;
  /** What it needs, as seen from its folder. Default: `requirements.txt`. */
  readonly requirements?: string;
  /** What it is, for people who wait for it. */
  readonly title: string;
  /** The oldest Python that runs it. */
  readonly oldest: string;
  /** Files of its folder that go into the packages of its environment. */
  readonly packages?: readonly string[];
}

/** The virtual environment of a Python client, with what its requirements pin. */
export class PythonEnvironment {
  #made: Promise<string> | undefined;

  /** Nothing is made yet, but is to be before the first spec. */
  constructor(private readonly client: PythonClient) {
    willNeed(client.title, () => this.folder());
  }

  /** The folder of the environment, made when the cache has not got it. */
  folder(): Promise<string> {
    this.#made ??= this.#make();
    return this.#made;
  }

  /** Its interpreter. */
  async python(): Promise<string> {
    return interpreterOf(await this.folder());
  }

  /** The path of a file in the client's folder. */
  path(file: string): string {
    const { name, folder = name } = this.client;
    return fileURLToPath(new URL(`./${folder}/${file}`, import.meta.url));
  }

  async #make(): Promise<string> {
    const { name, oldest, requirements: file = 'requirements.txt', packages = [] } = this.client;
    const install =
      `Install Python ${oldest} or later with its venv module (Debian, Ubuntu: apt-get install python3 python3-venv), ` +
      'or name an interpreter in RX_WEIR_PYTHON.';
    const interpreter = process.env['RX_WEIR_PYTHON'] || 'python3';
    const version = await command(interpreter, ['-VV'], { install });
    const requirements = this.path(file);
    const texts = [requirements, ...packages.map((each) => this.path(each))].map((path) => readFile(path, 'utf8'));
    return cached({
      name,
      pins: [interpreter, version, ...(await Promise.all(texts))],
      build: async (target) => {
        const python = interpreterOf(target);
        await command(interpreter, ['-m', 'venv', target], { install });
        const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
        await command(python, [...pip, '-r', requirements], { install: '' });
        const query = "import sysconfig; print(sysconfig.get_path('purelib'))";
        for (const each of packages) {
          const folder = (await command(python, ['-c', query], { install: '' })).trim();
          await copyFile(this.path(each), join(folder, each));
        }
      },
    });
  }
}

function interpreterOf(folder: string): string {
  return join(folder, 'bin', 'python');
}

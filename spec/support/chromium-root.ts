import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { cached } from './cache.js';
import { command } from './command.js';
import { willNeed } from './provision.js';

/** How to start a Chromium. */
export interface ChromiumProgram {
  readonly executablePath: string;
  /** Variables beside those of this process. */
  readonly env: Readonly<Record<string, string>>;
}

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const install =
  'Install Chromium (Debian: apt-get install chromium), or name its program in CHROME_PATH. ' +
  'Where apt-get has packages of it, the specs get one for themselves.';

let found: Promise<ChromiumProgram> | undefined;

/**
 * The Chromium for the specs: that of CHROME_PATH, else an installed one, else Debian's packages, unpacked into the
 * cache, which takes no rights of root. With RX_WEIR_CHROMIUM=cache an installed one does not count.
 * @throws Error that says what to install
 */
export function chromiumProgram(): Promise<ChromiumProgram> {
  found ??= find();
  return found;
}

willNeed('Chromium', chromiumProgram);

async function find(): Promise<ChromiumProgram> {
  const executablePath = process.env['CHROME_PATH'] || installed();
  return executablePath === undefined ? inRoot(await chromiumRoot()) : { executablePath, env: {} };
}

function installed(): string | undefined {
  if (process.env['RX_WEIR_CHROMIUM'] === 'cache') return undefined;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path));
}

/** The program itself, because the script before it looks for its folder in the system. */
async function inRoot(root: string): Promise<ChromiumProgram> {
  const libraries = join(root, 'usr/lib');
  const triplet = (await readdir(libraries)).find((name) => name.includes('-linux-gnu')) ?? '';
  const folders = [join(libraries, triplet), join(root, 'lib', triplet), join(libraries, triplet, 'pulseaudio')];
  return {
    executablePath: join(libraries, 'chromium/chromium'),
    env: {
      LD_LIBRARY_PATH: folders.join(':'),
      FONTCONFIG_SYSROOT: root,
      FONTCONFIG_PATH: '/etc/fonts',
    },
  };
}

// What a Chromium without a window never opens. The C library and the compiler's are those of Node itself: a program
// runs with one C library alone, and the packages are those of this very system.
const left =
  /^(libc6|libc-bin|libc-l10n|libgcc-s1|libstdc\+\+6|libgl1-mesa-dri|libllvm.*|libz3-4|libperl.*|libpam.*|libsystemd-shared|libgtk-3-(common|bin)|libapt-.*)$/;
const taken = /^(chromium|font|lib|zlib1g)/;

function chromiumRoot(): Promise<string> {
  return suite().then((system) =>
    cached({
      name: 'chromium',
      pins: [system, 'layout 1'],
      async build(target) {
        await mkdir(target);
        try {
          await unpack(target);
        } catch (cause) {
          throw new Error(`Chromium can't be prepared: ${(cause as Error).message}\n${install}`, { cause });
        }
      },
    }),
  );
}

async function suite(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return ['ID', 'VERSION_ID'].map((key) => new RegExp(`^${key}=(.*)$`, 'm').exec(release)?.[1] ?? '').join(' ');
}

/** Fetches the packages that a system with nothing installed would need, and lays out their files. */
async function unpack(root: string): Promise<void> {
  const work = join(root, 'apt');
  // lists and packages of its own: nothing of the system's is touched, nor must its lists be fresh
  await mkdir(join(work, 'lists/partial'), { recursive: true });
  await mkdir(join(work, 'archives/partial'), { recursive: true });
  await writeFile(join(work, 'status'), '');
  const own = [
    `Dir::State=${work}`,
    `Dir::State::status=${join(work, 'status')}`,
    `Dir::Cache=${work}`,
    'APT::Sandbox::User=',
    'APT::Install-Recommends=false',
    'Acquire::Languages=none',
  ].flatMap((option) => ['-o', option]);
  // one of several sources may be out of reach; what is missing then is told by the next step
  await command('apt-get', [...own, 'update'], { install }).catch(() => undefined);
  const plan = await command('apt-get', [...own, '--print-uris', '--yes', 'install', 'chromium'], { install });
  const packages = Array.from(plan.matchAll(/^'\S+' ([^_\s]+)_/gm), (match) => match[1] ?? '');
  const wanted = packages.filter((name) => taken.test(name) && !left.test(name));
  await command('apt-get', [...own, 'download', ...wanted], { install, cwd: join(work, 'archives') });
  const each = 'printf "%s\\0" *.deb | xargs -0 -n 1 -P 4 sh -c \'dpkg-deb -x "$1" "$0"\' "$1"';
  await command('sh', ['-c', each, 'sh', root], { install, cwd: join(work, 'archives') });
  await Promise.all(
    ['apt', 'usr/share/doc', 'usr/share/man', 'usr/share/icons', 'usr/share/locale'].map((path) =>
      rm(join(root, path), { recursive: true, force: true }),
    ),
  );
  const program = join(root, 'usr/lib/chromium/chromium');
  if (!existsSync(program)) throw new Error("the system's package 'chromium' brings no program of that name");
}

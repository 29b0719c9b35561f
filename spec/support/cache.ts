import { createHash, randomBytes } from 'node:crypto';
import { access, mkdir, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { guardFolder, removeFolder } from './guard.js';
import { withLock } from './lock.js';

/** The folder for what the kit builds: RX_WEIR_CACHE, else rx-weir in XDG_CACHE_HOME or ~/.cache. It outlives runs and clones. */
export function cacheFolder(): string {
  const own = process.env['RX_WEIR_CACHE'];
  if (own) {
    return own;
  }
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'rx-weir');
}

/** What to build, and what its result depends on. */
export interface CacheEntry {
  /** The first part of the name in the cache folder, for people who look into it. */
  readonly name: string;
  /** Everything that the result depends on; any change means another entry. */
  readonly pins: readonly string[];
  /** Builds a file or folder at `target`, which does not exist yet and gets its final name afterwards. */
  build(target: string): Promise<void>;
}

/** The path of a built thing; builds it first when this cache has not got it. Several processes may ask at once. */
export async function cached(entry: CacheEntry): Promise<string> {
  const hash = createHash('sha256');
  for (const pin of [process.platform, process.arch, ...entry.pins]) {
    hash.update(`${pin.length}:${pin}`);
  }
  const folder = cacheFolder();
  const path = join(folder, `${entry.name}-${hash.digest('hex').slice(0, 16)}`);
  if (await exists(path)) {
    return path;
  }
  await mkdir(folder, { recursive: true });
  await withLock(
    `${path}.lock`,
    () => exists(path),
    async () => {
      const target = `${path}.${randomBytes(4).toString('hex')}.part`;
      await guardFolder(target);
      try {
        await entry.build(target);
        await rename(target, path).catch(async (error: unknown) => {
          if (!(await exists(path))) {
            throw error;
          }
        });
      } finally {
        await removeFolder(target);
      }
    },
  );
  return path;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

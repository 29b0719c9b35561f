import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** A holder that has not touched its lock for this long (ms) is taken for dead. */
const silence = 60_000;

/**
 * Runs `work` while holding a lock file, so that two runs do not build the same thing at once. `done` is asked before
 * each try: when another holder has finished the work meanwhile, nothing is done.
 *
 * The lock saves work and no more: whoever builds does so under a name of its own and renames at the end, hence two
 * holders at once (possible for an instant when a dead holder's lock is taken over) cost time and break nothing.
 */
export async function withLock(
  path: string,
  done: () => Promise<boolean>,
  work: () => Promise<void>,
  timeout = 600_000,
): Promise<void> {
  const deadline = Date.now() + timeout;
  while (!(await done())) {
    if (await acquire(path)) {
      const beat = setInterval(() => void touch(path), silence / 6);
      beat.unref();
      try {
        if (!(await done())) {
          await work();
        }
      } finally {
        clearInterval(beat);
        await rm(path, { force: true });
      }
      return;
    }
    if (await isStale(path)) {
      await discard(path);
      continue;
    }
    if (Date.now() > deadline) {
      throw new Error(`Waited ${timeout} ms for ${path}. If nothing is being built, remove that file.`);
    }
    await delay(50);
  }
}

async function acquire(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      return false;
    }
    throw error;
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    const [{ mtimeMs }, text] = await Promise.all([stat(path), readFile(path, 'utf8')]);
    if (Date.now() - mtimeMs > silence) {
      return true;
    }
    // An empty file is a lock whose holder is between creating and writing it.
    return text !== '' && !isAlive(Number(text));
  } catch {
    return false;
  }
}

/** Moves the lock away first: of several that try, one succeeds. */
async function discard(path: string): Promise<void> {
  const grave = `${path}.${process.pid}`;
  try {
    await rename(path, grave);
    await rm(grave, { force: true });
  } catch {
    // Somebody else was faster.
  }
}

async function touch(path: string): Promise<void> {
  const time = new Date();
  await utimes(path, time, time).catch(() => undefined);
}

/** Whether a process of this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

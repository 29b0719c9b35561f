import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// One guard process per run. It learns of each server before that server starts and of each folder as it is made, and
// cleans up when the run is gone: SIGKILL, a crash and a plain exit look the same to it, on every system with /bin/sh.

const processes = new Map<number, ChildProcess>();
const folders = new Set<string>();
let guard: ChildProcess | undefined;

/** How to start a guarded process. */
export interface GuardedOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the process reads standard input; else it gets /dev/null. Default false. */
  readonly stdin?: boolean;
}

/**
 * Starts a process that dies with this one. The shell waits for a word and only then becomes the command, so the guard
 * knows the process id before there is anything to leave behind.
 */
export async function spawnGuarded(
  file: string,
  args: readonly string[],
  options: GuardedOptions = {},
): Promise<ChildProcessWithoutNullStreams> {
  const script = `read -r go || exit 1; exec "$@"${options.stdin ? '' : ' </dev/null'}`;
  const child = spawn('/bin/sh', ['-c', script, 'sh', file, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    // A session of its own: Ctrl-C in a terminal reaches the run alone, which then decides.
    detached: true,
  });
  child.stdin.on('error', () => undefined);
  const { pid } = child;
  if (pid === undefined) {
    throw await new Promise<Error>((resolve) => child.once('error', resolve));
  }
  processes.set(pid, child);
  child.once('exit', () => {
    processes.delete(pid);
    void tell({ add: false, process: pid });
  });
  try {
    await tell({ add: true, process: pid });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  if (options.stdin) {
    child.stdin.write('go\n');
  } else {
    child.stdin.end('go\n');
  }
  // A server that nobody stopped must not keep the run alive.
  child.unref();
  for (const stream of child.stdio) {
    (stream as Socket | null)?.unref();
  }
  return child;
}

/** Makes a folder in the system's temporary place that goes when `removeFolder` is called or this process ends. */
export async function temporaryFolder(): Promise<string> {
  const path = mkdtempSync(join(tmpdir(), 'rx-weir-'));
  await guardFolder(path);
  return path;
}

/** Sees to it that a file or folder, which may be about to be made, goes when `removeFolder` is called or this process ends. */
export async function guardFolder(path: string): Promise<void> {
  folders.add(path);
  await tell({ add: true, folder: path });
}

/** Removes what `temporaryFolder` has made or `guardFolder` watches. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  folders.delete(path);
  await tell({ add: false, folder: path });
}

/** What is still there, for the kit's own specs. */
export function leftovers(): { readonly processes: readonly number[]; readonly folders: readonly string[] } {
  return { processes: [...processes.keys()], folders: [...folders] };
}

/** Kills and removes all that is left, at once. */
export function clearAll(): void {
  for (const child of processes.values()) {
    child.kill('SIGKILL');
  }
  for (const path of folders) {
    try {
      rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 20 });
      folders.delete(path);
    } catch {
      // The guard tries again once this process has ended.
    }
  }
}

/** Resolves when the pipe has the line, that is when it reaches the guard even if this process dies next. */
function tell(change: { add: boolean; process?: number; folder?: string }): Promise<void> {
  const child = guard ?? startGuard();
  return new Promise((resolve, reject) => {
    child.stdin?.write(`${JSON.stringify(change)}\n`, (error) => {
      if (error && change.add) {
        reject(new Error('The guard of the broker kit is gone; nothing is started without it.', { cause: error }));
      } else {
        resolve();
      }
    });
  });
}

function startGuard(): ChildProcess {
  const script = fileURLToPath(new URL('./guard.mjs', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  guard = child;
  child.once('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.once('exit', () => {
    guard = undefined;
  });
  child.unref();
  (child.stdin as Socket).unref();
  process.removeListener('exit', clearAll);
  process.once('exit', clearAll);
  // A second guard, after somebody killed the first, takes over its list.
  const list = [
    ...[...processes.keys()].map((pid) => ({ process: pid })),
    ...[...folders].map((folder) => ({ folder })),
  ];
  for (const item of list) {
    child.stdin.write(`${JSON.stringify({ add: true, ...item })}\n`);
  }
  return child;
}

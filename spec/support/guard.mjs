// The guard outlives the run that started it, however that run ends. It reads one JSON line per change from standard
// input; when that closes, it kills the processes and removes the folders that are still on its list.
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';

const processes = new Set();
const folders = new Set();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {});
}

for await (const line of createInterface({ input: process.stdin })) {
  const { add, process: pid, folder } = JSON.parse(line);
  const [list, item] = folder === undefined ? [processes, pid] : [folders, folder];
  if (add) {
    list.add(item);
  } else {
    list.delete(item);
  }
}

for (const pid of processes) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
for (const folder of folders) {
  // A process that is just dying may still write there, hence the retries.
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }).catch(() => {});
}

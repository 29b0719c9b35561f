import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';

/** Writes a CPU profile of what `work` does; devtools and speedscope open it. */
export async function profiled<R>(file: string, work: () => Promise<R>): Promise<R> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  const result = await work();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  await writeFile(file, JSON.stringify(profile));
  return result;
}

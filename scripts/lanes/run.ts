import { LaneProcess } from './lane-process.js';
import { Replay } from './replay.js';
import type { FileReport, Failure, RunReport } from './report.js';

/** Runs spec files in so many processes side by side, in their order, and prints what came of each when it is done. */
export async function runInLanes(files: readonly string[], lanes: number): Promise<RunReport> {
  const queue = [...files];
  const reports: FileReport[] = [];
  const others: Failure[] = [];
  const replay = new Replay();

  const goAlong = async (lane: number): Promise<void> => {
    let process: LaneProcess | undefined;
    let hasFailed = false;
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      if (process?.isOver !== false) {
        process = new LaneProcess(lane, lanes);
        hasFailed = false;
      }
      const run = await process.run(file);
      reports.push(run.report);
      replay.file(run);
      hasFailed ||= run.report.failures.length > 0;
    }
    const failure = process?.isOver === false ? await process.end() : undefined;
    // a spec that broke off may leave something behind: that is no second failure
    if (failure !== undefined && !hasFailed) {
      others.push(failure);
      replay.failure(failure);
    }
  };

  await Promise.all(Array.from({ length: Math.min(lanes, files.length) }, (_, lane) => goAlong(lane)));
  replay.end();
  return { files: reports, others };
}

import { EventEmitter } from 'node:events';
import Mocha from 'mocha';
import type { FileRun } from './lane-process.js';
import type { Failure } from './report.js';
import { unpack } from './wire.js';

const on = Mocha.Runner.constants;

/** Has mocha's own reporter print the files of a run as they are done, and at the end one summary of them all. */
export class Replay {
  private readonly stats = { suites: 0, tests: 0, passes: 0, pending: 0, failures: 0, duration: 0 };
  private readonly runner = Object.assign(new EventEmitter(), { stats: this.stats });
  private readonly began = performance.now();

  constructor() {
    // a reporter asks its runner for events and figures alone
    new Mocha.reporters.Spec(this.runner as unknown as Mocha.Runner);
    this.runner.emit(on.EVENT_RUN_BEGIN);
    this.runner.emit(on.EVENT_SUITE_BEGIN, { root: true, title: '' });
  }

  file({ events, printed }: FileRun): void {
    process.stdout.write(printed);
    let depth = 0;
    for (const event of events) {
      switch (event.type) {
        case 'suite':
          depth++;
          this.runner.emit(on.EVENT_SUITE_BEGIN, event);
          break;
        case 'suite end':
          depth--;
          this.runner.emit(on.EVENT_SUITE_END, event);
          break;
        case 'pass':
          this.stats.passes++;
          this.runner.emit(on.EVENT_TEST_PASS, spec(event.path, event.duration, event.slow));
          break;
        case 'pending':
          this.stats.pending++;
          this.runner.emit(on.EVENT_TEST_PENDING, spec(event.path));
          break;
        case 'fail':
          this.failure(event);
          break;
        case 'begin':
      }
    }
    // where the process died, its suites never ended
    for (; depth > 0; depth--) this.runner.emit(on.EVENT_SUITE_END);
  }

  failure({ path, error }: Failure): void {
    this.stats.failures++;
    this.runner.emit(on.EVENT_TEST_FAIL, spec(path), unpack(error));
  }

  end(): void {
    this.stats.duration = performance.now() - this.began;
    this.runner.emit(on.EVENT_SUITE_END, { root: true, title: '' });
    this.runner.emit(on.EVENT_RUN_END);
  }
}

/** What a reporter asks of a spec. */
function spec(path: readonly string[], duration = 0, slow = 0): object {
  return { title: path.at(-1), titlePath: () => path, duration, slow: () => slow };
}

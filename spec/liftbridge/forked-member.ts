import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A member of a consumer group in a process of its own. */
export class ForkedMember {
  /** What it has read, and acked or is about to: by `partition offset`. */
  readonly values = new Map<string, string>();
  private readonly child: ChildProcess;

  constructor(url: string, stream: string, group: string) {
    const file = fileURLToPath(new URL('fixtures/group-member.ts', import.meta.url));
    this.child = fork(file, [url, stream, group], { execArgv: ['--import=tsx'] });
    this.child.on('message', (message) => {
      const [partition, offset, value] = message as [number, string, string];
      this.values.set(`${partition} ${offset}`, value);
    });
  }

  /** SIGKILL. Resolves when it is gone, and all that it told was heard. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await gone;
  }
}

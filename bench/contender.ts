/** What a child process is asked to measure. It crosses a process boundary, so it is plain data. */
export interface Job {
  /** The key of the contender in `contenders/index.ts`. */
  readonly contender: string;
  readonly task: string;
  /** How many messages are measured. */
  readonly messages: number;
  /** How many messages go before, so that the engine has compiled what is measured. */
  readonly warmUp: number;
  /** Bytes of data in each message. */
  readonly size: number;
  /** The most messages that are unconfirmed, or unacked, at a time. */
  readonly window: number;
  /** Where the measured messages go to, or come from; `warmUpChannel` tells where the others do. */
  readonly channel: string;
  readonly server?: ServerAddress | undefined;
  /** The file for a CPU profile of the measured part, where one is wanted. */
  readonly profile?: string | undefined;
}

/** Where the server of a bench is, and what a client has to know of it. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** The cluster id, where a server has one. */
  readonly cluster: string;
  /** Who logs in, where somebody has to. */
  readonly login: Login | undefined;
  /** The server's process, where it is of interest how much of a core it takes. */
  readonly pid?: number | undefined;
}

export interface Login {
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
}

/** What a child process has measured. */
export interface Measurement {
  readonly seconds: number;
  /** User and system time of the whole process, its collector and compiler threads included. */
  readonly cpuSeconds: number;
  /** The most bytes that the process had in memory, from its start to its end. */
  readonly peakMemory: number;
  /** The part of one core that the server took meanwhile, where that is of interest. */
  readonly serverShare?: number | undefined;
}

/** A task that is ready to run. */
export interface Runner {
  /** What has to be there before `run` and is not measured. */
  prepare?(channel: string, messages: number): Promise<void>;
  /**
   * The measured part; resolves when the last message is done with. Called once with the warm-up and once in earnest. One
   * whose work is done in another process gives what was measured there.
   */
  run(channel: string, messages: number): Promise<Measurement | void>;
  close(): Promise<void>;
}

/** The tasks of a contender, by name. Opening one connects. */
export type Contender = Readonly<Record<string, (job: Job) => Promise<Runner>>>;

/** The channel of the messages that go before those of `channel`. */
export function warmUpChannel(channel: string): string {
  return `${channel}.warm-up`;
}

/** An id that the NATS Streaming server has not seen, of the characters that it accepts. */
export function clientId(job: Job): string {
  return `bench-${process.pid}-${job.task}`;
}

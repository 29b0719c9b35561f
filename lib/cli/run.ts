import { errorLines } from './error-lines.js';
import { exitCodeOf, exitCodes, UsageError } from './exit.js';
import { print, type CliIo } from './io.js';
import { describeFlags } from './flags.js';
import type { Command } from './command.js';
import { bench } from './commands/bench.js';
import { doctor } from './commands/doctor.js';
import { info } from './commands/info.js';
import { pub } from './commands/pub.js';
import { replay } from './commands/replay.js';
import { sub } from './commands/sub.js';
import { version } from './version.js';

const commands: readonly Command[] = [pub, sub, replay, bench, info, doctor];

/**
 * Runs the command line. It never rejects: what goes wrong is told on `stderr`, and by the code.
 * @param args - what stands behind `rx-weir`
 * @returns what the process is to exit with; see `exitCodes`
 */
export async function run(args: readonly string[], io: CliIo): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    await print(io.stderr, errorLines(error));
    return exitCodeOf(error);
  }
}

async function dispatch([name, ...rest]: readonly string[], io: CliIo): Promise<number> {
  if (name === '--version' || name === '-V') {
    await print(io.stdout, `${await version()}\n`);
    return exitCodes.ok;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const asked = commands.find((each) => each.name === rest[0]);
    await print(name === undefined ? io.stderr : io.stdout, asked === undefined ? overview() : helpOf(asked));
    return name === undefined ? exitCodes.usage : exitCodes.ok;
  }
  const command = commands.find((each) => each.name === name);
  if (command === undefined) {
    throw new UsageError(`there is no command '${name}'; there are ${commands.map((each) => each.name).join(', ')}`);
  }
  if (asksForHelp(rest)) {
    await print(io.stdout, helpOf(command));
    return exitCodes.ok;
  }
  return command.run(rest, io);
}

/** Behind `--` everything is an argument. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? undefined : end).some((each) => each === '--help' || each === '-h');
}

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'rx-weir: publishes, reads, measures and examines message streams\n\n',
    ...commands.map(({ name, summary }) => `  rx-weir ${name.padEnd(width)}  ${summary}\n`),
    '\nThe URL says which broker:\n',
    '  memory:                                               in this process alone\n',
    '  nats-streaming://[user:password@]host:4222/cluster    ?clientId=name\n',
    '  rabbitmq-stream://[user:password@]host:5552[/vhost]\n',
    '  liftbridge://host:9292[,host:9292]\n',
    '  lonelyps+http://host:3003, lonelyps+ws://host:3003\n',
    'With TLS: tls=true behind a question mark. Further options of a broker go there by their names, joined by &.\n',
    '\nrx-weir COMMAND --help tells the flags of a command, rx-weir --version the version.\n',
  ].join('');
}

function helpOf({ name, usage, summary, flags, notes }: Command): string {
  return `rx-weir ${name} ${usage}\n\n${summary}\n\n${describeFlags(flags)}${notes === '' ? '' : `\n${notes}\n`}`;
}

import type { SourceOptions } from '../../core/broker.js';
import { UnsupportedError } from '../../core/errors.js';
import { earliest } from '../../core/starts.js';
import {
  channelOf,
  connectionFlags,
  extraOptions,
  openTarget,
  optionFlag,
  targetOf,
  type Command,
} from '../command.js';
import { UsageError, exitCodes } from '../exit.js';
import { readFlags, type FlagSpecs } from '../flags.js';
import type { CliIo } from '../io.js';
import { encodeLine } from '../ndjson.js';
import { Outlet } from '../outlet.js';
import { Progress } from '../progress.js';
import { readMessages } from '../read.js';
import { endOf } from '../source.js';
import { rangeOf } from '../starts.js';
import { counted } from '../table.js';
import { tellEvents } from '../tell-events.js';
import { readCount } from '../values.js';

const flags = {
  since: { type: 'string', label: 'TIME', help: 'only what was stored within the last 10m, 1h, …' },
  time: { type: 'string', label: 'TIME', help: 'only what was stored at or after 2026-01-31T12:00:00Z' },
  offset: { type: 'string', short: 'o', multiple: true, label: 'PLACE', help: 'beginning, last, N, s@time, e@time' },
  'until-offset': { type: 'string', label: 'N', help: 'ends with that offset instead of the last one' },
  'until-time': { type: 'string', label: 'TIME', help: 'ends with what was stored up to then' },
  count: { type: 'string', short: 'c', label: 'N', help: 'ends after so many' },
  'max-in-flight': { type: 'string', label: 'N', help: 'the window (default 4096)' },
  'super-stream': { type: 'boolean', help: 'RabbitMQ: the channel is a super stream' },
  'no-progress': { type: 'boolean', help: 'no line that tells how far it is' },
  quiet: { type: 'boolean', short: 'q', help: 'tells failures only' },
  ...optionFlag,
  ...connectionFlags,
} as const satisfies FlagSpecs;

/** `rx-weir replay` */
export const replay: Command = {
  name: 'replay',
  summary: 'Writes all messages that a channel has, as lines of JSON, and ends. `rx-weir pub --ndjson` reads them.',
  usage: '[URL] CHANNEL',
  flags,
  notes:
    'A line has offset, time, key, headers and value; where the bytes are no UTF-8 it has base64 instead of value.\n' +
    'It keeps no position, and changes none.',
  run: runReplay,
};

async function runReplay(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = readFlags(args, flags);
  const target = targetOf(positionals, values, io);
  const channel = channelOf(target);
  const { start = earliest(), until } = rangeOf(values);
  if (start.kind === 'newOnly')
    throw new UsageError('replay ends with what is there; rx-weir sub --new waits for more');
  if (target.url.kind === 'lonelyps') {
    throw new UnsupportedError(
      'lonelyps keeps no messages, so there is nothing to replay; rx-weir sub shows those that come',
      { broker: 'lonelyps' },
    );
  }
  const most = values.count === undefined ? undefined : readCount('--count', values.count);
  const maxInFlight =
    values['max-in-flight'] === undefined ? 4096 : readCount('--max-in-flight', values['max-in-flight']);
  const quiet = values.quiet === true;
  const opened = await openTarget(target, values, io);
  const events = tellEvents(opened.broker, io, quiet);
  const told = { count: 0 };
  const progress = new Progress(io.stderr, !quiet && values['no-progress'] !== true, () =>
    counted(told.count, 'message'),
  );
  const outlet = new Outlet(io.stdout);
  try {
    await opened.broker.connect({ signal: io.signal });
    const end = until === undefined || until === 'now' ? await endOf(opened, channel) : until;
    if (end === undefined) return exitCodes.ok;
    const options: SourceOptions & Record<string, unknown> = {
      start,
      until: end,
      maxInFlight,
      ...(values['super-stream'] === true ? { superStream: true } : {}),
      ...extraOptions(values.option),
    };
    const { kind } = opened;
    const { count, seconds } = await readMessages(
      { opened, channel, options, outlet, signal: io.signal, most, render: (delivery) => encodeLine(delivery, kind) },
      told,
    );
    progress.end();
    const interrupted = io.signal.aborted;
    if (!quiet && (interrupted || io.stderr.isTTY === true)) {
      const how = interrupted ? 'interrupted after' : 'replayed';
      io.stderr.write(`rx-weir: ${how} ${counted(count, 'message')} in ${seconds.toFixed(2)} s\n`);
    }
    return interrupted ? exitCodes.interrupted : exitCodes.ok;
  } finally {
    progress.end();
    events?.unsubscribe();
    outlet.close();
    await opened.broker.close();
  }
}

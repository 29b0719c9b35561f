import { benchBoth, benchPub, benchSub, type BenchProgress, type BenchRow, type BenchSettings } from '../bench-run.js';
import { capabilities } from '../capabilities.js';
import {
  channelOf,
  connectionFlags,
  extraOptions,
  openTarget,
  optionFlag,
  targetOf,
  type Command,
} from '../command.js';
import { createChannel, deleteChannel } from '../create-channel.js';
import { UsageError, exitCodes } from '../exit.js';
import { readFlags, type FlagSpecs, type FlagValues } from '../flags.js';
import { print, type CliIo } from '../io.js';
import type { Opened } from '../open.js';
import { Progress } from '../progress.js';
import { sinkOptionsOf } from '../sink-options.js';
import { layOut, thousands } from '../table.js';
import { tellEvents } from '../tell-events.js';
import { readCount, readSize } from '../values.js';

const flags = {
  pub: { type: 'boolean', help: 'publishes only (the default)' },
  sub: { type: 'boolean', help: 'receives only: what the channel has, with --new what comes' },
  both: { type: 'boolean', help: 'publishes, and receives it at the same time' },
  new: { type: 'boolean', help: 'with --sub: waits for new messages' },
  msgs: { type: 'string', label: 'N', help: 'how many messages (default 100000)' },
  size: { type: 'string', label: 'SIZE', help: 'of each: 128, 128B, 64KiB (default 128)' },
  window: { type: 'string', label: 'N', help: 'unconfirmed, or unacked, at a time (default 1024)' },
  rate: { type: 'string', label: 'N', help: 'publishes at most so many a second' },
  create: { type: 'boolean', help: 'makes the stream first, if it is not there' },
  delete: { type: 'boolean', help: 'removes the stream in the end, with all that it holds' },
  csv: { type: 'boolean', help: 'writes comma-separated values' },
  json: { type: 'boolean', help: 'writes JSON' },
  'no-progress': { type: 'boolean', help: 'no line that tells how far it is' },
  quiet: { type: 'boolean', short: 'q', help: 'tells failures only, beside the table' },
  ...optionFlag,
  ...connectionFlags,
} as const satisfies FlagSpecs;

/** `rx-weir bench` */
export const bench: Command = {
  name: 'bench',
  summary: 'Measures how many messages a second go in and out, and how long a confirmation takes.',
  usage: '[URL] CHANNEL',
  flags,
  notes:
    'Latencies are in ms: from handing a message over to its confirmation, with --both also to its delivery.\n' +
    '-X is for the sink, with --sub for the source. Measure on a channel that nothing else uses.',
  run: runBench,
};

async function runBench(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = readFlags(args, flags);
  const target = targetOf(positionals, values, io);
  const channel = channelOf(target);
  const mode = modeOf(values);
  if (values.csv === true && values.json === true)
    throw new UsageError('--csv and --json both say how to write; give one of them');
  if (mode === 'sub' && values.new !== true && !capabilities[target.url.kind].replay) {
    throw new UsageError(`${target.url.kind} keeps no messages; measure it with --both, or with --sub --new`);
  }
  const extra = extraOptions(values.option);
  const settings: BenchSettings = {
    messages: readCount('--msgs', values.msgs ?? '100000'),
    size: readSize('--size', values.size ?? '128'),
    window: readCount('--window', values.window ?? '1024'),
    rate: values.rate === undefined ? undefined : readCount('--rate', values.rate),
    sink: mode === 'sub' ? {} : sinkOptionsOf(target.url.kind, extra, { superStream: false, key: undefined }),
    source: mode === 'sub' ? extra : {},
    fresh: values.new === true,
  };
  const opened = await openTarget(target, values, io, { receives: mode !== 'pub' });
  const events = tellEvents(opened.broker, io, values.quiet === true);
  const told: BenchProgress = { published: 0, received: 0 };
  const enabled = values['no-progress'] !== true && values.quiet !== true;
  const progress = new Progress(io.stderr, enabled, () => progressOf(mode, told, settings.messages));
  try {
    await opened.broker.connect({ signal: io.signal });
    if (values.create === true) await createChannel(opened, channel);
    const rows = await measure(mode, opened, channel, settings, io, told);
    progress.end();
    await print(io.stdout, render(rows, settings, values, opened));
    if (io.signal.aborted) return exitCodes.interrupted;
    return rows.find(({ code }) => code !== exitCodes.ok)?.code ?? exitCodes.ok;
  } finally {
    progress.end();
    events?.unsubscribe();
    if (values.delete === true) await deleteChannel(opened, channel).catch(() => undefined);
    await opened.broker.close();
  }
}

type Mode = 'pub' | 'sub' | 'both';

function modeOf({ pub, sub, both }: FlagValues<typeof flags>): Mode {
  const given = Object.entries({ pub, sub, both }).filter(([, value]) => value === true);
  if (given.length > 1 && !(given.length === 2 && both === undefined)) {
    throw new UsageError('--both says what --pub and --sub say; give it alone');
  }
  if (given.length === 2) return 'both';
  return (given[0]?.[0] as Mode | undefined) ?? 'pub';
}

async function measure(
  mode: Mode,
  opened: Opened,
  channel: string,
  settings: BenchSettings,
  io: CliIo,
  told: BenchProgress,
): Promise<readonly BenchRow[]> {
  switch (mode) {
    case 'pub':
      return [await benchPub(opened, channel, settings, io, told)];
    case 'sub':
      return [await benchSub(opened, channel, settings, io, told)];
    case 'both':
      return benchBoth(opened, channel, settings, io, told);
  }
}

function progressOf(mode: Mode, { published, received }: BenchProgress, messages: number): string {
  const parts = [
    ...(mode === 'sub' ? [] : [`${thousands(published)} published`]),
    ...(mode === 'pub' ? [] : [`${thousands(received)} received`]),
  ];
  return `${parts.join(', ')} of ${thousands(messages)}`;
}

function render(
  rows: readonly BenchRow[],
  { size, window }: BenchSettings,
  values: FlagValues<typeof flags>,
  { kind }: Opened,
): string {
  const facts = rows.map(({ label, messages, seconds, latency }) => {
    const rate = seconds > 0 ? messages / seconds : 0;
    return { label, messages, size, window, seconds, rate, megabytes: (rate * size) / 1e6, latency };
  });
  if (values.json === true) {
    const lines = facts.map(({ rate, megabytes, ...each }) => ({
      ...each,
      messagesPerSecond: rate,
      megabytesPerSecond: megabytes,
    }));
    return `${JSON.stringify({ broker: kind, results: lines }, undefined, 2)}\n`;
  }
  if (values.csv === true) {
    const header = 'broker,what,messages,size,window,seconds,msgs_per_s,mb_per_s,p50_ms,p95_ms,p99_ms,max_ms';
    const lines = facts.map(({ label, messages, seconds, rate, megabytes, latency }) =>
      [
        kind,
        label,
        messages,
        size,
        window,
        seconds.toFixed(3),
        rate.toFixed(0),
        megabytes.toFixed(3),
        ...milliseconds(latency, ''),
      ].join(','),
    );
    return `${[header, ...lines].join('\n')}\n`;
  }
  const header = ['', 'messages', 'seconds', 'msgs/s', 'MB/s', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'];
  return (
    `${kind}, ${thousands(size)} bytes a message, window ${thousands(window)}\n` +
    layOut([
      header,
      ...facts.map(({ label, messages, seconds, rate, megabytes, latency }) => [
        label,
        thousands(messages),
        seconds.toFixed(2),
        thousands(rate),
        megabytes.toFixed(2),
        ...milliseconds(latency, '-'),
      ]),
    ])
  );
}

function milliseconds(latency: BenchRow['latency'], absent: string): string[] {
  if (latency === undefined) return [absent, absent, absent, absent];
  const { p50, p95, p99, max } = latency;
  return [p50, p95, p99, max].map((each) => each.toFixed(2));
}

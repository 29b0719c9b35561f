import { UnsupportedError } from '../../core/errors.js';
import type { Delivery } from '../../core/delivery.js';
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
import { readFlags, type FlagSpecs, type FlagValues } from '../flags.js';
import { compileFormat } from '../format.js';
import type { CliIo } from '../io.js';
import { encodeLine } from '../ndjson.js';
import { Outlet } from '../outlet.js';
import { readDelimiter } from '../delimiter.js';
import { readMessages } from '../read.js';
import { endOf } from '../source.js';
import { rangeOf } from '../starts.js';
import { counted } from '../table.js';
import { tellEvents } from '../tell-events.js';
import type { Kind } from '../url.js';
import { readCount, readDuration } from '../values.js';

const flags = {
  durable: { type: 'string', label: 'NAME', help: 'keeps the position under that name, and goes on from it' },
  queue: { type: 'string', label: 'NAME', help: 'shares the messages with the others of that group' },
  new: { type: 'boolean', help: 'only what comes from now on (the default)' },
  last: { type: 'boolean', help: 'begins with the last message' },
  all: { type: 'boolean', help: 'begins with the first message that there is' },
  earliest: { type: 'boolean', help: 'the same' },
  since: { type: 'string', label: 'TIME', help: 'begins with what was stored 10m, 1h, … ago' },
  time: { type: 'string', label: 'TIME', help: 'begins with what was stored at 2026-01-31T12:00:00Z' },
  offset: {
    type: 'string',
    short: 'o',
    multiple: true,
    label: 'PLACE',
    help: 'beginning, end, last, N, s@time, e@time',
  },
  'until-now': { type: 'boolean', help: 'ends with what is the last message as it begins' },
  'terminate-at-end': { type: 'boolean', short: 'e', help: 'the same, as in kcat and nats' },
  'until-offset': { type: 'string', label: 'N', help: 'ends with that offset' },
  'until-time': { type: 'string', label: 'TIME', help: 'ends with what was stored up to then' },
  count: { type: 'string', short: 'c', label: 'N', help: 'ends after so many' },
  wait: { type: 'string', label: 'TIME', help: 'ends when nothing came for so long' },
  'max-in-flight': { type: 'string', label: 'N', help: 'the window: written and not yet acked (default 1024)' },
  raw: { type: 'boolean', help: 'the values alone, with nothing between them' },
  json: { type: 'boolean', help: 'a line of JSON for each, as `rx-weir replay` writes them' },
  ndjson: { type: 'boolean', help: 'the same' },
  format: { type: 'string', short: 'f', label: 'FORMAT', help: "kcat's: %s value, %t channel, %o offset, %k key, …" },
  delimiter: { type: 'string', short: 'D', label: 'BYTE', help: 'what stands behind each value (default \\n)' },
  'headers-only': { type: 'boolean', help: 'channel, offset, time, key and headers, without the value' },
  'no-ack': { type: 'boolean', help: 'acks nothing; ends when the window is full' },
  glob: { type: 'boolean', help: 'lonelyps: the channel is a pattern of topics' },
  'super-stream': { type: 'boolean', help: 'RabbitMQ: the channel is a super stream' },
  quiet: { type: 'boolean', short: 'q', help: 'tells failures only' },
  ...optionFlag,
  ...connectionFlags,
} as const satisfies FlagSpecs;

type Values = FlagValues<typeof flags>;

/** `rx-weir sub` */
export const sub: Command = {
  name: 'sub',
  summary: 'Writes messages as they come. Each is acked when standard output has taken it.',
  usage: '[URL] CHANNEL',
  flags,
  notes: 'Without --raw, --json or --format it writes each value and a newline.',
  run: runSub,
};

async function runSub(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = readFlags(args, flags);
  const target = targetOf(positionals, values, io);
  const channel = channelOf(target);
  const render = rendererOf(values, target.url.kind);
  const range = rangeOf({
    ...values,
    'until-now': values['until-now'] === true || values['terminate-at-end'] === true,
  });
  const window = values['max-in-flight'] === undefined ? 1024 : readCount('--max-in-flight', values['max-in-flight']);
  const asked = values.count === undefined ? undefined : readCount('--count', values.count);
  const idle = values.wait === undefined ? undefined : readDuration('--wait', values.wait);
  const acks = values['no-ack'] !== true;
  const quiet = values.quiet === true;
  if (values.glob === true && target.url.kind !== 'lonelyps') throw new UsageError('--glob is for lonelyps');
  if (target.url.kind === 'lonelyps' && range.until !== undefined) {
    throw new UnsupportedError(
      'lonelyps keeps no messages, so there is no last one to end with; give --count or --wait',
      {
        broker: 'lonelyps',
      },
    );
  }
  const opened = await openTarget(target, values, io, { receives: true, keepsPosition: values.durable !== undefined });
  const events = tellEvents(opened.broker, io, quiet);
  const outlet = new Outlet(io.stdout);
  try {
    await opened.broker.connect({ signal: io.signal });
    const until = range.until === 'now' ? await endOf(opened, channel) : range.until;
    if (range.until === 'now' && until === undefined) return exitCodes.ok;
    // who asks to end at the end wants what is before it
    const start = range.start ?? (range.until === undefined ? undefined : earliest());
    const options = {
      ...(start === undefined ? {} : { start }),
      ...(until === undefined ? {} : { until }),
      ...(values.durable === undefined ? {} : { durable: values.durable }),
      ...(values.queue === undefined ? {} : { queue: values.queue }),
      ...(values['super-stream'] === true ? { superStream: true } : {}),
      maxInFlight: window,
      ...extraOptions(values.option),
    };
    const { count, seconds } = await readMessages({
      opened,
      channel: values.glob === true ? { glob: channel } : channel,
      options,
      outlet,
      signal: io.signal,
      render,
      // without acks the broker sends no more than the window
      most: acks ? asked : Math.min(asked ?? Infinity, window),
      idle,
      acks,
    });
    const interrupted = io.signal.aborted;
    if (!quiet && (interrupted || io.stderr.isTTY === true)) {
      const how = interrupted ? 'interrupted after' : 'received';
      io.stderr.write(`rx-weir: ${how} ${counted(count, 'message')} in ${seconds.toFixed(2)} s\n`);
    }
    return interrupted ? exitCodes.interrupted : exitCodes.ok;
  } finally {
    events?.unsubscribe();
    outlet.close();
    await opened.broker.close();
  }
}

function rendererOf(values: Values, kind: Kind): (delivery: Delivery) => string | Uint8Array {
  const { raw, json, ndjson, format, delimiter } = values;
  const asked = Object.entries({ raw, json, ndjson, format, 'headers-only': values['headers-only'] })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => `--${name}`);
  if (asked.length > 1 && !(json === true && asked.length === 2 && (ndjson ?? values['headers-only']) === true)) {
    throw new UsageError(`${asked.join(' and ')} both say how to write a message; give one of them`);
  }
  if (delimiter !== undefined && asked.length > 0) throw new UsageError(`-D does not go with ${asked.join(' and ')}`);
  if (values['headers-only'] === true) return (delivery) => headersLine(delivery, kind);
  if (json === true || ndjson === true) return (delivery) => encodeLine(delivery, kind);
  if (format !== undefined) return compileFormat(format);
  if (raw === true) return ({ value }) => value;
  const end = Buffer.of(delimiter === undefined ? 10 : readDelimiter(delimiter));
  return ({ value }) => Buffer.concat([value, end]);
}

const noBytes = new Uint8Array(0);

/** The line of NDJSON without its value, and with the channel. */
function headersLine(delivery: Delivery, kind: Kind): string {
  const { value: _, ...rest } = JSON.parse(
    encodeLine(Object.create(delivery, { value: { value: noBytes } }) as Delivery, kind),
  ) as Record<string, unknown>;
  return `${JSON.stringify({ channel: delivery.channel, ...rest, bytes: delivery.value.length })}\n`;
}

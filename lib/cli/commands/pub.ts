import { createReadStream } from 'node:fs';
import {
  channelOf,
  connectionFlags,
  extraOptions,
  openTarget,
  optionFlag,
  targetOf,
  type Command,
} from '../command.js';
import { readDelimiter } from '../delimiter.js';
import { UsageError, exitCodes } from '../exit.js';
import { readFlags, type FlagSpecs, type FlagValues } from '../flags.js';
import type { CliIo } from '../io.js';
import { itemsOf, type ItemSource } from '../items.js';
import { createChannel } from '../create-channel.js';
import type { Item } from '../ndjson.js';
import { outgoingOf } from '../outgoing.js';
import { Progress } from '../progress.js';
import { publishItems } from '../publish.js';
import { sinkOptionsOf } from '../sink-options.js';
import { counted, thousands } from '../table.js';
import { tellEvents } from '../tell-events.js';
import { readCount, readDuration } from '../values.js';

const flags = {
  header: { type: 'string', short: 'H', multiple: true, label: 'K:V', help: 'a header; may be given several times' },
  key: { type: 'string', short: 'k', label: 'KEY', help: 'the key of each message' },
  count: { type: 'string', short: 'c', label: 'N', help: 'how often the value is published, or how much of the input' },
  sleep: { type: 'string', label: 'TIME', help: 'waits so long between two messages' },
  rate: { type: 'string', label: 'N', help: 'at most so many messages a second' },
  file: { type: 'string', label: 'FILE', help: 'reads the file instead of standard input' },
  ndjson: { type: 'boolean', help: 'reads lines of JSON, as `rx-weir replay` writes them' },
  raw: { type: 'boolean', help: 'all of the input is one message' },
  delimiter: {
    type: 'string',
    short: 'D',
    label: 'BYTE',
    help: 'what stands between messages of the input (default \\n)',
  },
  templates: { type: 'boolean', help: 'fills {{Count}}, {{TimeStamp}}, {{ID}} and {{Random 4 8}} in the value' },
  lossy: { type: 'boolean', help: 'leaves out keys and headers that the broker has no place for' },
  create: { type: 'boolean', help: 'makes the stream first, if it is not there' },
  'super-stream': { type: 'boolean', help: 'RabbitMQ: the channel is a super stream, shared out by the key' },
  'max-in-flight': { type: 'string', label: 'N', help: 'the window: sent and not yet confirmed (default 4096)' },
  'no-progress': { type: 'boolean', help: 'no line that tells how far it is' },
  quiet: { type: 'boolean', short: 'q', help: 'tells failures only' },
  ...optionFlag,
  ...connectionFlags,
} as const satisfies FlagSpecs;

/** `rx-weir pub` */
export const pub: Command = {
  name: 'pub',
  summary: 'Publishes a value, or what it reads: a message a line, with receipts and backpressure.',
  usage: '[URL] CHANNEL [VALUE]',
  flags,
  notes: 'It reads standard input where no VALUE is given. The code is 1 where a message was not confirmed.',
  run: runPub,
};

async function runPub(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = readFlags(args, flags);
  const target = targetOf(positionals, values, io);
  const channel = channelOf(target, 1);
  const [value] = target.rest;
  const source = sourceOf(value, values, io);
  const make = outgoingOf(target.url.kind, {
    key: values.key,
    headers: headersOf(values.header),
    lossy: values.lossy === true,
    superStream: values['super-stream'] === true,
  });
  const window = values['max-in-flight'] === undefined ? 4096 : readCount('--max-in-flight', values['max-in-flight']);
  const options = sinkOptionsOf(target.url.kind, extraOptions(values.option), {
    superStream: values['super-stream'] === true,
    key: values.key,
  });
  const quiet = values.quiet === true;
  const opened = await openTarget(target, values, io);
  const events = tellEvents(opened.broker, io, quiet);
  const told = { ok: 0 };
  const progress = new Progress(io.stderr, !quiet && values['no-progress'] !== true, () => counted(told.ok, 'message'));
  try {
    await opened.broker.connect({ signal: io.signal });
    if (values.create === true) await createChannel(opened, channel);
    const items = (signal: AbortSignal): AsyncGenerator<Iterable<Item>> => itemsOf(source, signal);
    const outcome = await publishItems({ opened, channel, items, window, options, make, io }, told);
    progress.end();
    const { ok, unconfirmed, uncertain, failed, bytes, seconds, code } = outcome;
    const interrupted = io.signal.aborted;
    if (!quiet || failed + uncertain > 0) {
      const rate = seconds > 0 ? `, ${thousands(ok / seconds)} msg/s, ${(bytes / seconds / 1e6).toFixed(2)} MB/s` : '';
      const more = [
        unconfirmed > 0 ? `${thousands(unconfirmed)} of them written to a broker that confirms nothing` : '',
        uncertain > 0 ? `${thousands(uncertain)} uncertain` : '',
        failed > 0 ? `${thousands(failed)} failed` : '',
      ].filter((each) => each !== '');
      io.stderr.write(
        `rx-weir: ${interrupted ? 'interrupted; ' : ''}published ${counted(ok, 'message')} in ${seconds.toFixed(2)} s${rate}` +
          `${more.map((each) => `; ${each}`).join('')}\n`,
      );
    }
    return interrupted ? exitCodes.interrupted : code;
  } finally {
    progress.end();
    events?.unsubscribe();
    await opened.broker.close();
  }
}

function sourceOf(value: string | undefined, values: FlagValues<typeof flags>, io: CliIo): ItemSource {
  const { file, ndjson, raw, delimiter, templates, count, sleep, rate } = values;
  const pace = {
    most: count === undefined ? undefined : readCount('--count', count),
    sleep: sleep === undefined ? undefined : readDuration('--sleep', sleep),
    rate: rate === undefined ? undefined : readCount('--rate', rate),
  };
  if (pace.sleep !== undefined && pace.rate !== undefined)
    throw new UsageError('--sleep and --rate both say how fast; give one of them');
  if (templates === true && value === undefined) throw new UsageError('--templates goes with a VALUE');
  const reads = Object.entries({ file, ndjson, raw, delimiter }).find(([, given]) => given !== undefined);
  if (value !== undefined) {
    if (reads !== undefined)
      throw new UsageError(`--${reads[0]} is for what is read, and a VALUE is given; leave one of them out`);
    return { kind: 'value', value, templates: templates === true, ...pace };
  }
  if (raw === true && ndjson === true)
    throw new UsageError('--raw and --ndjson both say how to read; give one of them');
  if (raw === true && delimiter !== undefined)
    throw new UsageError('-D does not go with --raw, which takes all as one message');
  const input = file === undefined || file === '-' ? io.stdin : createReadStream(file);
  const as = raw === true ? 'whole' : ndjson === true ? 'ndjson' : 'lines';
  return { kind: 'input', input, as, delimiter: delimiter === undefined ? 10 : readDelimiter(delimiter), ...pace };
}

function headersOf(given: readonly string[] | undefined): Readonly<Record<string, string>> | undefined {
  if (given === undefined) return undefined;
  return Object.fromEntries(
    given.map((each) => {
      const [, name, value] = /^([^:=]+)[:=]\s?(.*)$/s.exec(each) ?? [];
      if (name === undefined || value === undefined) throw new UsageError(`-H takes NAME:VALUE; got '${each}'`);
      return [name, value];
    }),
  );
}

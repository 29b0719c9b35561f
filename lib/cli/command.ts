import type { Logger } from '../core/logger.js';
import { UsageError } from './exit.js';
import type { FlagSpecs, FlagValues } from './flags.js';
import type { CliIo } from './io.js';
import { openBroker, type OpenOptions, type Opened } from './open.js';
import { looksLikeUrl, parseUrl, type BrokerUrl } from './url.js';
import { optionValue, readDuration, setOption } from './values.js';

/** One of the words behind `rx-weir`. */
export interface Command {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** What stands behind the name. */
  readonly usage: string;
  readonly flags: FlagSpecs;
  /** Lines below the flags. */
  readonly notes: string;
  /** Resolves with the exit code. */
  run(args: readonly string[], io: CliIo): Promise<number>;
}

/** The flags that say how to get to the broker; all commands have them. */
export const connectionFlags = {
  server: {
    type: 'string',
    short: 's',
    label: 'URL',
    help: 'the broker, instead of the first argument; default $RX_WEIR_URL',
  },
  creds: { type: 'string', label: 'FILE', help: 'a file with credentials; default $RX_WEIR_CREDS' },
  user: { type: 'string', label: 'NAME', help: 'who connects; the password comes from $RX_WEIR_PASSWORD' },
  tlsca: { type: 'string', label: 'FILE', help: 'the authority to trust (PEM)' },
  tlscert: { type: 'string', label: 'FILE', help: "this client's certificate (PEM)" },
  tlskey: { type: 'string', label: 'FILE', help: 'the private key of that (PEM)' },
  timeout: { type: 'string', label: 'TIME', help: 'how long connecting may take' },
  trace: { type: 'boolean', help: 'tells on standard error what the handle does' },
  help: { type: 'boolean', short: 'h', help: 'shows this' },
} as const satisfies FlagSpecs;

/** An option of the broker's own, by its name, for what no flag says. */
export const optionFlag = {
  option: {
    type: 'string',
    short: 'X',
    multiple: true,
    label: 'NAME=VALUE',
    help: "an option of the broker's source or sink, such as ackPolicy=all",
  },
} as const satisfies FlagSpecs;

export type ConnectionValues = FlagValues<typeof connectionFlags>;

/** What the arguments name. */
export interface Target {
  readonly url: BrokerUrl;
  readonly channel: string | undefined;
  /** What stands behind the channel. */
  readonly rest: readonly string[];
}

/**
 * Takes the URL and the channel from the arguments. The URL may come from `--server` or the environment instead, so that
 * its secrets are not among the arguments.
 * @throws UsageError
 */
export function targetOf(positionals: readonly string[], { server }: ConnectionValues, { env }: CliIo): Target {
  const [first = ''] = positionals;
  const isGiven = looksLikeUrl(first);
  if (isGiven && server !== undefined)
    throw new UsageError('the URL is given twice: as the first argument, and as --server');
  const url = isGiven ? first : (server ?? env['RX_WEIR_URL'] ?? '');
  if (url === '') {
    throw new UsageError(
      'it is not said which broker: give its URL as the first argument, such as nats-streaming://localhost:4222/cluster, or in RX_WEIR_URL',
    );
  }
  const [channel, ...rest] = isGiven ? positionals.slice(1) : positionals;
  return { url: parseUrl(url), channel, rest };
}

/** The same where the command needs a channel, and takes at most `most` arguments behind it. */
export function channelOf({ channel, rest }: Target, most = 0): string {
  if (channel === undefined || channel === '')
    throw new UsageError('it is not said which channel; give it behind the URL');
  refuseMore(rest, most);
  return channel;
}

export function refuseMore(rest: readonly string[], most = 0): void {
  if (rest.length > most)
    throw new UsageError(`'${rest[most] as string}' is one argument too many; quote what has spaces`);
}

/** Makes the handle that the command works with. */
export function openTarget(
  { url }: Target,
  values: ConnectionValues,
  io: CliIo,
  more: Pick<OpenOptions, 'receives' | 'keepsPosition' | 'options'> = {},
): Promise<Opened> {
  const { creds, user, timeout } = values;
  const connectTimeout = timeout === undefined ? {} : { connectTimeout: readDuration('--timeout', timeout) };
  return openBroker(url, {
    env: io.env,
    creds,
    user,
    tls: tlsFilesOf(values),
    ...more,
    options: { ...connectTimeout, ...more.options },
    logger: values.trace === true ? tracer(io) : undefined,
  });
}

/** The files of TLS that flags name. */
export function tlsFilesOf({
  tlsca,
  tlscert,
  tlskey,
}: ConnectionValues): Partial<Record<'ca' | 'cert' | 'key', string>> {
  return Object.fromEntries(
    Object.entries({ ca: tlsca, cert: tlscert, key: tlskey }).filter(([, file]) => file !== undefined),
  );
}

/** What `-X` says, as the object that a source or sink takes. @throws UsageError */
export function extraOptions(given: readonly string[] | undefined): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const each of given ?? []) {
    const at = each.indexOf('=');
    if (at < 1) throw new UsageError(`-X takes NAME=VALUE; got '${each}'`);
    const name = each.slice(0, at);
    setOption(options, name, optionValue(name, each.slice(at + 1)));
  }
  return options;
}

/** What a handle logs, a line each. Its words hold no secret. */
function tracer({ stderr }: CliIo): Logger {
  const line =
    (level: string) =>
    (message: unknown, ...more: readonly unknown[]): void => {
      const words = [message, ...more].map((each) => {
        if (each instanceof Error) return each.message;
        return typeof each === 'string' ? each : JSON.stringify(each, plainly);
      });
      stderr.write(`${level} ${words.join(' ')}\n`);
    };
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}

function plainly(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

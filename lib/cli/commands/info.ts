import { capabilities } from '../capabilities.js';
import { connectionFlags, openTarget, refuseMore, targetOf, type Command } from '../command.js';
import { exitCodes } from '../exit.js';
import { readFlags, type FlagSpecs } from '../flags.js';
import { clusterOf, placesOf, type ChannelPart, type ClusterFacts } from '../inspect.js';
import { print, type CliIo } from '../io.js';
import type { BrokerUrl } from '../url.js';
import { layOut } from '../table.js';

const flags = {
  json: { type: 'boolean', help: 'writes JSON' },
  ...connectionFlags,
} as const satisfies FlagSpecs;

/** `rx-weir info` */
export const info: Command = {
  name: 'info',
  summary: 'Tells how the broker stands, what it can do, and what a channel holds.',
  usage: '[URL] [CHANNEL]',
  flags,
  notes: 'On NATS Streaming, asking for a channel makes it, as every subscription does there.',
  run: runInfo,
};

interface Facts {
  readonly url: BrokerUrl;
  readonly connectedIn: number;
  readonly cluster: ClusterFacts;
  readonly channel: string | undefined;
  readonly parts: readonly ChannelPart[];
}

async function runInfo(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = readFlags(args, flags);
  const target = targetOf(positionals, values, io);
  refuseMore(target.rest);
  const { url, channel } = target;
  const opened = await openTarget(target, values, io);
  try {
    const begun = performance.now();
    await opened.broker.connect({ signal: io.signal });
    const connectedIn = performance.now() - begun;
    const cluster = await clusterOf(opened);
    const parts = channel === undefined ? [] : await placesOf(opened, channel);
    const facts = { url, connectedIn, cluster, channel, parts };
    await print(io.stdout, values.json === true ? asJson(facts) : asText(facts));
    return io.signal.aborted ? exitCodes.interrupted : exitCodes.ok;
  } finally {
    await opened.broker.close();
  }
}

function asJson({ url, connectedIn, cluster, channel, parts }: Facts): string {
  const { replay, durable, queue, headers, keys } = capabilities[url.kind];
  const result = {
    broker: url.kind,
    url: url.masked,
    state: 'connected',
    connectedInMs: Math.round(connectedIn),
    capabilities: { replay, durable, queue, headers, keys },
    ...cluster,
    ...(channel === undefined
      ? {}
      : {
          channel: {
            name: channel,
            parts: parts.map((each) => ({ ...each, first: plain(each.first), last: plain(each.last) })),
          },
        }),
  };
  return `${JSON.stringify(result, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 2)}\n`;
}

function plain(place: ChannelPart['first']): object | null {
  return place === undefined ? null : { offset: place.offset, time: place.time?.toISOString() };
}

function asText({ url, connectedIn, cluster, channel, parts }: Facts): string {
  const { replay, durable, queue, headers, keys } = capabilities[url.kind];
  const can = Object.entries({ replay, durable, queue, headers, keys });
  const words = (wanted: boolean): string =>
    can
      .filter(([, has]) => has === wanted)
      .map(([name]) => name)
      .join(', ') || 'nothing';
  const lines = [
    ['broker', url.kind],
    ['url', url.masked],
    ['state', `connected in ${connectedIn.toFixed(0)} ms`],
    ['can', words(true)],
    ...(can.every(([, has]) => has) ? [] : [['has no', words(false)]]),
    ...(cluster.brokers ?? []).map(({ id, address, leads }) => [
      'server',
      `${id} at ${address}, leads ${leads} partitions`,
    ]),
    ...(cluster.streams === undefined ? [] : [['streams', cluster.streams.join(', ') || 'none']]),
  ] as string[][];
  const width = Math.max(...lines.map(([name]) => (name as string).length));
  const head = lines.map(([name, value]) => `${(name as string).padEnd(width)}  ${value as string}\n`).join('');
  if (channel === undefined) return head;
  if (parts.length === 0) return `${head}\n${channel}: ${url.kind} keeps no messages\n`;
  const table = layOut([
    ['', 'first', 'stored', 'last', 'stored'],
    ...parts.map(({ name, first, last }) => [
      name,
      String(first?.offset ?? '-'),
      first?.time?.toISOString() ?? '-',
      String(last?.offset ?? '-'),
      last?.time?.toISOString() ?? '-',
    ]),
  ]);
  return `${head}\n${table}`;
}

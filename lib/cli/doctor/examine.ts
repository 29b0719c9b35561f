import type { TlsOptions } from '../../core/tls.js';
import { exitCodeOf } from '../exit.js';
import type { Opened } from '../open.js';
import type { BrokerUrl } from '../url.js';
import { failed, ok, skipped, type Check, type CheckName } from './check.js';
import { examineChannel } from './channel.js';
import { clockCheck } from './clock.js';
import { examineEndpoint, type EndpointReport } from './endpoint.js';
import { examineRoundTrip } from './round-trip.js';
import { examineSession } from './session.js';
import { versionsCheck } from './versions.js';

/** What is to be looked at. */
export interface Examination {
  readonly url: BrokerUrl;
  readonly channel: string | undefined;
  readonly tls: TlsOptions | undefined;
  /** Makes the handle. */
  readonly open: () => Promise<Opened>;
  /** How long each step may take, in ms. */
  readonly wait: number;
  readonly writes: boolean;
  /** Where to write, instead of a channel of its own. */
  readonly scratch: string | undefined;
  readonly signal: AbortSignal;
  /** Told of each check as it is done. */
  readonly tell: (check: Check) => void;
}

const order: readonly CheckName[] = [
  'name',
  'port',
  'tls',
  'protocol',
  'session',
  'authentication',
  'authorization',
  'channel',
  'round trip',
  'clock',
  'versions',
];

/** Looks at everything in the order in which it is needed, until something is wrong that the rest needs. */
export async function examine(examination: Examination): Promise<readonly Check[]> {
  const { url, channel, open, wait, writes, scratch, signal } = examination;
  const checks: Check[] = [];
  const tell = (...found: readonly Check[]): void => {
    checks.push(...found);
    found.forEach(examination.tell);
  };
  let opened: Opened;
  try {
    opened = await open();
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    tell(failed('url', found, exitCodeOf(error), 'see the options in the URL; docs/cli.md tells what it is made of'));
    return checks;
  }
  try {
    tell(ok('url', `${url.masked} is ${url.kind}`));
    const reports = await examineEndpoints(examination, tell);
    if (reports.length > 0 && !reports.some(({ good }) => good)) return checks;
    if (signal.aborted) return checks;
    const session = await examineSession(opened, signal);
    tell(...session);
    if (session.some(({ state }) => state === 'failed') || signal.aborted) return checks;
    const found =
      channel === undefined ? [skipped('channel', 'none was named')] : await examineChannel(opened, channel);
    tell(...found);
    const spoken = reports.find(({ good }) => good)?.spoken;
    if (!writes) tell(skipped('round trip', 'left out, as asked for'));
    else if (!signal.aborted) tell(...withClock(await examineRoundTrip(opened, scratch, wait), spoken?.facts['date']));
    tell(await versionsCheck(url.kind, spoken));
    return checks;
  } finally {
    await opened.broker.close();
    skipRest(checks, examination.tell);
  }
}

async function examineEndpoints(
  { url, tls, wait, signal }: Examination,
  tell: (...checks: readonly Check[]) => void,
): Promise<readonly EndpointReport[]> {
  const reports: EndpointReport[] = [];
  for (const endpoint of url.endpoints) {
    if (signal.aborted) break;
    const report = await examineEndpoint(url, endpoint, tls, wait);
    reports.push(report);
    tell(...report.checks);
  }
  return reports;
}

/** Where the messages have no time, the answer to a request of HTTP had one. */
function withClock(checks: readonly Check[], date: string | undefined): readonly Check[] {
  const there = date === undefined ? NaN : Date.parse(date);
  if (Number.isNaN(there)) return checks;
  return checks.map((each) =>
    // to the second, and some checks ago
    each.name === 'clock' && each.state === 'skipped' ? clockCheck(there, Date.now() - 10_000, Date.now()) : each,
  );
}

/** What was not reached is told too, so that nobody takes it for good. */
function skipRest(checks: Check[], tell: (check: Check) => void): void {
  const wrong = checks.find(({ state }) => state === 'failed');
  if (wrong === undefined) return;
  for (const name of order.slice(order.indexOf(wrong.name) + 1)) {
    if (checks.some((each) => each.name === name)) continue;
    const check: Check = { name, state: 'unreached', found: `not looked at, because of: ${wrong.name}` };
    checks.push(check);
    tell(check);
  }
}

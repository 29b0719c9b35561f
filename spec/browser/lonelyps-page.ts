import { concatMap, filter, firstValueFrom } from 'rxjs';
import { lonelyps } from '../../lib/lonelyps/browser.js';
import type { LonelypsBroker, LonelypsDelivery, LonelypsOptions } from '../../lib/lonelyps/index.js';

/** What the page is told to do. */
export type PageStep =
  /** Makes a handle, subscribes, and is done when the broadcaster has said that it is connected. */
  | { readonly do: 'open'; readonly options: LonelypsOptions; readonly exact: string; readonly glob: string }
  | { readonly do: 'publish'; readonly topic: string; readonly text: string }
  | { readonly do: 'tell' }
  | { readonly do: 'close' };

/** A message that it has received. */
export interface PageMessage {
  readonly topic: string;
  readonly length: number;
  /** In hex, of the bytes that have come. */
  readonly sha512: string;
}

/** What it tells of its work so far. */
export interface PageReport {
  readonly messages: readonly PageMessage[];
  readonly states: readonly string[];
  readonly missed: readonly string[];
  /** Of all that it has published. */
  readonly notified: readonly (number | undefined)[];
}

let broker: LonelypsBroker | undefined;
let report = noReport();

function noReport(): { [K in keyof PageReport]: PageReport[K][number][] } {
  return { messages: [], states: [], missed: [], notified: [] };
}

async function run(step: PageStep): Promise<PageReport> {
  switch (step.do) {
    case 'open':
      broker = lonelyps(step.options);
      report = noReport();
      await open(broker, { exact: step.exact, glob: step.glob });
      break;
    case 'publish':
      report.notified.push((await broker?.publish(step.topic, new TextEncoder().encode(step.text)))?.notified);
      break;
    case 'close':
      await broker?.close();
      break;
    case 'tell':
  }
  return report;
}

async function open(handle: LonelypsBroker, channel: { exact: string; glob: string }): Promise<void> {
  const { messages, states, missed } = report;
  handle.status.subscribe(({ state }) => states.push(state));
  handle.missed.subscribe((miss) => missed.push(miss.channel));
  const hashed = concatMap(async (delivery: LonelypsDelivery) => {
    const { channel: topic, value } = delivery;
    messages.push({ topic, length: value.length, sha512: await hexOf(value) });
    delivery.ack();
  });
  handle.messages(channel).pipe(hashed).subscribe();
  await firstValueFrom(handle.status.pipe(filter(({ state }) => state === 'connected')));
}

async function hexOf(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-512', bytes.slice()));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

Object.assign(globalThis, { run });

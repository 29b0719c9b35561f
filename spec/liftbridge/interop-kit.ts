import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { lastValueFrom, take, tap, toArray } from 'rxjs';
import { earliest } from '../../lib/core/starts.js';
import type { LiftbridgeBroker, LiftbridgeDelivery, LiftbridgeSourceOptions } from '../../lib/liftbridge/index.js';
import { command } from '../support/command.js';
import { gufoLiftbridge } from '../support/peers/gufo-liftbridge.js';
import { pythonLiftbridge } from '../support/peers/python-liftbridge.js';
import { within } from '../support/wait.js';

/** Acks so many messages of a stream, from its first one unless the options say otherwise, and leaves. */
export function read(
  broker: LiftbridgeBroker,
  stream: string,
  count: number,
  options: LiftbridgeSourceOptions = {},
): Promise<LiftbridgeDelivery[]> {
  const messages = broker.messages(stream, { start: earliest(), ...options, codec: undefined }).pipe(
    tap((delivery) => delivery.ack()),
    take(count),
    toArray(),
  );
  return within(lastValueFrom(messages), 15_000, `${count} messages of ${stream}`);
}

/** Lets python-liftbridge do what its peer has no word for; the tasks are those of the script. */
export async function pythonDoes(server: { readonly url: string }, ...tasks: readonly object[]): Promise<unknown[]> {
  return runs(await pythonLiftbridge(), 'python-liftbridge-more.py', server.url, tasks);
}

/** Lets gufo-liftbridge do what its peer has no word for; the tasks are those of the script. */
export async function gufoDoes(server: { readonly url: string }, ...tasks: readonly object[]): Promise<unknown[]> {
  return runs(await gufoLiftbridge(), 'gufo-liftbridge-more.py', server.url, tasks);
}

async function runs(environment: string, script: string, url: string, tasks: readonly object[]): Promise<unknown[]> {
  const file = fileURLToPath(new URL(`./fixtures/${script}`, import.meta.url));
  // python-liftbridge counts times back from the local time of day as if that were UTC
  const env = { PYTHONDONTWRITEBYTECODE: '1', TZ: 'UTC' };
  const output = await command(join(environment, 'bin', 'python'), [file, url, JSON.stringify(tasks)], {
    install: '',
    timeout: 20_000,
    env,
  });
  return JSON.parse(output) as unknown[];
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textIn = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const textsOf = (messages: readonly { readonly value: Uint8Array }[]): string[] =>
  messages.map(({ value }) => textIn(value));
export const offsetsOf = (messages: readonly { readonly offset: bigint }[]): bigint[] =>
  messages.map(({ offset }) => offset);

// HTTP in, stream out, with nothing but node:http: each line of a request's body becomes a message.
//
//   npx tsx examples/http-ingest.ts                 starts on a free port, posts to itself, and ends
//   npx tsx examples/http-ingest.ts --port 8080     serves until Ctrl-C
//   curl --data-binary @events.ndjson http://localhost:8080/events
//
// Add --broker nats://localhost:4222 [--cluster test-cluster] for NATS Streaming, --broker rabbitmq-stream://localhost:5552,
// or --broker liftbridge://localhost:9292.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { lastValueFrom, reduce } from 'rxjs';
import { ClosedError, json, type Broker, type Receipt } from 'rx-weir';
import { linesOf } from './start-input.js';
import { brokerOptions, placeOf, run, type Place } from './support.js';

interface Line {
  readonly number: number;
  readonly text: string;
}

interface Outcome {
  readonly stored: number;
  readonly failed: readonly { readonly line: number; readonly code: string; readonly message: string }[];
  readonly retriable: boolean;
}

async function main(closing: <B extends Broker>(broker: B) => B): Promise<void> {
  const { values } = parseArgs({
    options: { ...brokerOptions, port: { type: 'string' }, demo: { type: 'boolean', default: false } },
  });
  const place = placeOf(values);
  const broker = closing(place.open('ingest'));
  await broker.connect();
  const server = createServer((request, response) => void answer(broker, place, request, response));
  server.listen(Number(values.port ?? 0), '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const demonstrates = values.port === undefined || values.demo;
  const asked = demonstrates ? undefined : Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  console.log(`POST lines of JSON to http://127.0.0.1:${port}/NAME, stored on ${place.name}`);
  if (demonstrates) await demo(`http://127.0.0.1:${port}`, broker);
  await asked;
  // requests under way get their answers; run() closes the broker after them, which flushes
  await shut(server);
  console.log('closed');
}

async function answer(broker: Broker, place: Place, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const reply = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...(status === 503 && { 'retry-after': '1' }) });
    response.end(`${JSON.stringify(body)}\n`);
  };
  const name = /^\/([\w-]+)$/.exec(request.url ?? '')?.[1];
  try {
    if (name === undefined) reply(404, { message: 'POST to /NAME, of letters, digits, - and _' });
    else if (request.method !== 'POST') reply(405, { message: 'POST lines of JSON' });
    else {
      const outcome = await store(broker, await place.channel(name), request);
      if (outcome.failed.length === 0) reply(202, { stored: outcome.stored });
      // where nothing was stored and it may work later, the client may send the whole body again
      else reply(outcome.stored === 0 && outcome.retriable ? 503 : 207, outcome);
    }
  } catch (error) {
    // the handle is closing, or the client went away in the middle of its body; what it had sent is stored
    if (!response.destroyed) reply(error instanceof ClosedError ? 503 : 400, { message: (error as Error).message });
  }
}

/** The body is read only as fast as the broker confirms: publishFrom pulls a line when the window has room. */
function store(broker: Broker, channel: string, request: IncomingMessage): Promise<Outcome> {
  const add = (outcome: Outcome, receipt: Receipt<Line>): Outcome => {
    if (receipt.ok) return { ...outcome, stored: outcome.stored + 1 };
    const { code, message, retriable } = receipt.error;
    const failure = { line: receipt.value.number, code, message };
    // the first hundred are told, so that an answer stays small
    const failed = outcome.failed.length < 100 ? [...outcome.failed, failure] : outcome.failed;
    return { stored: outcome.stored, failed, retriable: outcome.retriable && retriable };
  };
  const receipts$ = broker.publishFrom(channel, numbered(linesOf(request, 'the body')), {
    maxInFlight: 256,
    codec: json<unknown>(),
    // a line that is no JSON throws here, and that becomes its failed receipt
    message: ({ text }: Line) => ({ value: JSON.parse(text) as unknown }),
  });
  const none: Outcome = { stored: 0, failed: [], retriable: true };
  return lastValueFrom(receipts$.pipe(reduce(add, none)), { defaultValue: none });
}

async function* numbered(lines: AsyncIterable<string>): AsyncGenerator<Line> {
  let number = 0;
  for await (const text of lines) yield { number: ++number, text };
}

async function demo(url: string, broker: Broker): Promise<void> {
  const post = async (name: string, body: string): Promise<void> => {
    const response = await fetch(`${url}/${name}`, { method: 'POST', body });
    const { stored = 0, failed = [] } = (await response.json()) as Partial<Outcome>;
    const problem = failed[0] && `; line ${failed[0].line}: ${failed[0].code}`;
    console.log(`${name}: ${response.status}, ${stored} stored, ${failed.length} failed${problem ?? ''}`);
  };
  await post('events', Array.from({ length: 10_000 }, (_, n) => JSON.stringify({ n })).join('\n'));
  await post('mixed', '{"good":1}\nno JSON\n{"good":2}\n');
  await post('bad/name', '{}');
  await broker.close();
  await post('late', '{"n":1}');
}

async function shut(server: Server): Promise<void> {
  server.close();
  server.closeIdleConnections();
  await once(server, 'close');
}

// Ctrl-C is a way to end it, not an accident
await run('http-ingest', main, { onInterrupt: 'ignore' });

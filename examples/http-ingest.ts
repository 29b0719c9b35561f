// HTTP in, stream out, with nothing but node:http: each line of a request's body becomes a message.
//
//   npx tsx examples/http-ingest.ts                 starts on a free port, posts to itself, and ends
//   npx tsx examples/http-ingest.ts --port 8080     serves until Ctrl-C
//   curl --data-binary @events.ndjson http://localhost:8080/events
//
// Add --broker nats://localhost:4222 [--cluster test-cluster] for NATS Streaming.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { lastValueFrom, reduce } from 'rxjs';
import { json, type Broker, type Receipt, type WeirError } from 'rx-weir';
import { linesOf } from './start-input.js';
import { brokerOptions, placeOf, run } from './support.js';

interface Outcome {
  readonly stored: number;
  readonly failed: readonly { readonly line: number; readonly code: string; readonly message: string }[];
  readonly retriable: boolean;
}

await run('http-ingest', async (closing) => {
  const { values } = parseArgs({
    options: { ...brokerOptions, port: { type: 'string' }, demo: { type: 'boolean', default: false } },
  });
  const place = placeOf(values);
  const broker = closing(place.open('ingest'));
  await broker.connect();
  const server = createServer((request, response) => void answer(broker, place.run, request, response));
  server.listen(Number(values.port ?? 0), '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  console.log(`POST lines of JSON to http://127.0.0.1:${values.port === undefined ? '(free port)' : port}/NAME, stored on ${place.name}`);
  if (values.port === undefined || values.demo) await demo(`http://127.0.0.1:${port}`, broker);
  else await once(process, 'SIGTERM');
  // requests under way get their answers; run() closes the broker after them, which flushes
  await shut(server);
  console.log('closed');
});

async function answer(broker: Broker, run: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const reply = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...(status === 503 && { 'retry-after': '1' }) });
    response.end(`${JSON.stringify(body)}\n`);
  };
  const name = /^\/([\w-]+)$/.exec(request.url ?? '')?.[1];
  if (name === undefined) return reply(404, { message: 'POST to /NAME, of letters, digits, - and _' });
  if (request.method !== 'POST') return reply(405, { message: 'POST lines of JSON' });
  try {
    const outcome = await store(broker, `${name}-${run}`, request);
    if (outcome.failed.length === 0) return reply(202, { stored: outcome.stored });
    // nothing was stored and it may work later: the client may send the whole body again
    reply(outcome.stored === 0 && outcome.retriable ? 503 : 207, outcome);
  } catch (error) {
    // the client went away in the middle of its body; what it had sent is stored
    if (!response.destroyed) reply(400, { message: (error as Error).message });
  }
}

/** The body is read only as fast as the broker confirms: publishFrom pulls a line when the window has room. */
function store(broker: Broker, channel: string, request: IncomingMessage): Promise<Outcome> {
  let line = 0;
  const add = (outcome: Outcome, receipt: Receipt<string>): Outcome => {
    line++;
    if (receipt.ok) return { ...outcome, stored: outcome.stored + 1 };
    const { code, message, retriable } = receipt.error;
    // the first hundred are told, so that an answer stays small
    const failed = outcome.failed.length < 100 ? [...outcome.failed, { line, code, message }] : outcome.failed;
    return { stored: outcome.stored, failed, retriable: outcome.retriable && retriable };
  };
  const receipts$ = broker.publishFrom(channel, linesOf(request, 'the body'), {
    maxInFlight: 256,
    codec: json<unknown>(),
    // a line that is no JSON throws here, and that becomes its failed receipt
    message: (text: string) => ({ value: JSON.parse(text) as unknown }),
  });
  const none: Outcome = { stored: 0, failed: [], retriable: true };
  return lastValueFrom(receipts$.pipe(reduce(add, none)), { defaultValue: none });
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

export type { WeirError };

// A dashboard in a browser: its page subscribes over the websocket of the broadcaster, without a server in between.
// This program bundles the page (browser/lonelyps-dashboard.ts), serves it, and publishes a few readings a second.
//
//   npx tsx examples/lonelyps-dashboard.ts [--broker http://localhost:3003] [--port 8081] [--readings 50]
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { concatMap, interval, map, takeUntil, fromEvent, merge, take, lastValueFrom, count } from 'rxjs';
import { json } from 'rx-weir';
import { lonelyps } from 'rx-weir/lonelyps';
import { lonelypsOptions, lonelypsPlaceOf, run } from './support.js';

await run(
  'lonelyps-dashboard',
  async (closing) => {
    const { values } = parseArgs({
      options: { broker: lonelypsOptions.broker, port: { type: 'string', default: '0' }, readings: { type: 'string' } },
    });
    const place = lonelypsPlaceOf(values);
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL('./browser/lonelyps-dashboard.ts', import.meta.url))],
      bundle: true,
      format: 'esm',
      write: false,
      logLevel: 'silent',
    });
    const script = outputFiles[0]!.text;
    // what a page has everybody has: secrets of a broadcaster would be none there, so this one has none
    const settings = JSON.stringify({ broadcasters: place.socketUrl, glob: `rooms/${place.run}/*` });
    const html = `<!doctype html><meta charset="utf-8"><title>rooms</title>
<h1>rooms</h1><p id="state">idle</p><table></table>
<script>var settings = ${settings}</script><script type="module" src="/page.js"></script>`;

    const server = createServer((request, response) => {
      const isScript = request.url === '/page.js';
      response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
      response.end(isScript ? script : html);
    });
    server.listen(Number(values.port), '127.0.0.1');
    await once(server, 'listening');
    console.log(`the dashboard is at http://127.0.0.1:${(server.address() as AddressInfo).port}`);

    const broker = closing(lonelyps(place.options));
    const rooms = ['kitchen', 'hall', 'cellar'];
    const readings$ = interval(100).pipe(
      map((n) => ({ room: rooms[n % rooms.length]!, reading: { celsius: 18 + (n % 7) } })),
      take(values.readings === undefined ? Infinity : Number(values.readings)),
      concatMap(({ room, reading }) => broker.publish(`rooms/${place.run}/${room}`, reading, { codec: json() })),
      takeUntil(merge(fromEvent(process, 'SIGINT'), fromEvent(process, 'SIGTERM'))),
    );
    console.log(`${await lastValueFrom(readings$.pipe(count()))} readings`);
    server.close();
    server.closeAllConnections();
    console.log('closed');
  },
  { onInterrupt: 'ignore' },
);

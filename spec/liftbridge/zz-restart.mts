import { startLiftbridge, stopAll } from '../support/brokers/index.js';
import { Handles, Load, Worker, newStream } from './support.js';
import { until } from '../support/wait.js';

for (let i = 0; i < 40; i++) {
  const server = await startLiftbridge({ needs: 'control' }); const h = new Handles();
  const [p, c] = [h.make(server), h.make(server)];
  const s = await newStream(p);
  const w = new Worker(c, s, { durable: 'w' });
  const load = new Load(p, s, 20000, { resend: true });
  await until(() => load.confirmed.size > 2500 && w.acked.size > 1000, { timeout: 30000, every: 1 });
  await server.kill();
  const t = Date.now();
  let failed = false;
  try { await server.restart(); } catch (e: any) { failed = true; console.log('FAILED', e.message.slice(0, 80)); }
  const ms = Date.now() - t;
  console.log(i, 'restart', ms, load.confirmed.size, load.failed.length);
  if (ms > 6000) { const lines = server.log().split('\n').filter(l => !l.includes('Failed to publish')); console.log(lines.slice(-150).join('\n')); console.log('refused', server.log().split('\n').filter(l => l.includes('Failed to publish')).length); if (failed) break; }
  await load.done.catch(() => 0);
  console.log('   failed', load.failed.length, load.failed[0]?.error.message);
  w.stop(); await h.close(); await server.stop();
}
await stopAll(); process.exit(0);

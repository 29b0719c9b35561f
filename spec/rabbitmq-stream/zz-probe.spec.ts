import { startRabbitMq } from '../support/brokers/index.js';
import { systemClock } from '../../lib/core/clock.js';
import { guarded } from '../../lib/core/logger.js';
import { openConnection } from '../../lib/rabbitmq-stream/connection/connection.js';
import { streamStats } from '../../lib/rabbitmq-stream/session/last-record.js';
import { Handles, newStream, Load } from './support.js';
it('probe', async () => {
  const server = await startRabbitMq({ needs: 'control' });
  const handles = new Handles();
  const broker = handles.make(server);
  const stream = await newStream(broker);
  const extra = process.env.EXTRA ? await Promise.all(Array.from({ length: 60 }, () => newStream(broker))) : [];
  await new Load(broker, stream, 5000, { producer: 'p' }).done;
  await handles.close();
  const none = (): void => undefined;
  for (let round = 0; round < 6; round++) {
    await server.kill();
    let stop = false;
    const seen: string[] = [];
    const poll = (async () => {
      while (!stop) {
        try {
          const c = await openConnection(
            { host: server.host, port: server.port, sasl: 'plain', username: 'guest', password: 'guest', vhost: '/', properties: {}, frameMax: 0, heartbeat: 0, connectTimeout: 10000, requestTimeout: 10000, maxFrame: 2 ** 20, clock: systemClock, log: guarded(undefined) },
            { confirm: none, publishError: none, deliver: none, creditError: none, metadataUpdate: none, consumerUpdate: none, flushed: none, drained: none, closed: none });
          for (let i = 0; i < 3000; i++) {
            let what: string;
            try { const m = await c.metadata([stream]); what = `meta ${m[0]?.code} ${m[0]?.leader?.port}`; const s = await streamStats(c, stream); what += ` stats ${[...s].join(' ')}`; } catch (e) { what = String(e).slice(0, 90); }
            if (what !== seen.at(-1)) seen.push(what);
            if (i > 1500) stop = true;
          }
          await c.close();
        } catch (e) { await new Promise((r) => setTimeout(r, 5)); }
      }
    })();
    await server.restart();
    await poll;
    console.log(round, seen);
  }
  await server.stop();
});

import { startRabbitMq } from '../support/brokers/index.js';
import { Handles, newStream } from './support.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import { lastValueFrom, reduce } from 'rxjs';
import { RecordDelivery } from '../../lib/rabbitmq-stream/delivery.js';
describe('try', function(){ this.timeout(300000); it('x', async () => {
  const server = await startRabbitMq(); const h = new Handles(); const b = h.make(server);
  const d = RecordDelivery.prototype.detach; let n = 0; RecordDelivery.prototype.detach = function() { if (n++ === 0) console.log(new Error('detach').stack, (this.origin as any).size); d.call(this); };
    const stream = await newStream(b); const body = new Uint8Array(1000).fill(97);
    await lastValueFrom(b.publishFrom(stream, function*(){ for (let i=0;i<30000;i++) yield body; }(), {maxInFlight:10000, subEntry: {size:1000, compression:'gzip'}}).pipe(reduce(n=>n+1,0)));
    let buf: any; let held: any[] = []; let k = 0;
    await new Promise<void>((r) => { b.messages(stream, {start: earliest(), until: untilNow(), maxInFlight: 1024}).subscribe({ next: (v) => setImmediate(() => { k++; if (v.value.buffer !== buf) { buf = v.value.buffer; held.push([k, buf.byteLength, v.offset]); } else v.ack(); }), complete: r }); });
    console.log(held.length, held.slice(0, 40).join(' | '), n);
  await h.close(); await server.stop();
});});

// NATS forgets what nobody hears. A stream that is bound to a subject records it, so that it can be played again.
//
//   npx tsx examples/liftbridge-from-nats.ts [--broker liftbridge://localhost:9292] [--nats nats://localhost:4224]
//
// The NATS server is the one behind Liftbridge.
import { parseArgs } from 'node:util';
import { connect, headers as makeHeaders, type MsgHdrs, type NatsConnection } from 'nats';
import { firstValueFrom, lastValueFrom, timer, toArray } from 'rxjs';
import { ackConcatMap, earliest, json, untilOffset } from 'rx-weir';
import { natsPublisher, type LiftbridgeBroker } from 'rx-weir/liftbridge';
import { liftbridgeOptions, liftbridgePlaceOf, run } from './support.js';

interface Reading {
  readonly celsius: number;
}

const codec = json<Reading>();

await run('liftbridge-from-nats', async (closing) => {
  const { values } = parseArgs({
    options: { ...liftbridgeOptions, nats: { type: 'string', default: 'nats://localhost:4224' } },
  });
  const place = liftbridgePlaceOf(values.broker);
  const broker = closing(place.open());
  const nats = await connect({ servers: values.nats });
  try {
    const sensors = `sensors-${place.run}`;
    const stream = await place.channel('readings', { subject: `${sensors}.*` });
    console.log(`'${sensors}.*' is recorded on ${place.name}`);

    // 1. these know NATS alone, and hear nothing of the stream
    for (const [room, celsius] of [
      ['kitchen', 21],
      ['attic', 9],
      ['kitchen', 22],
    ] as const) {
      nats.publish(`${sensors}.${room}`, codec.encode({ celsius }));
      await firstValueFrom(timer(100));
    }

    // 2. this one wants to know that it is stored, and gives a key and headers: the message goes in an envelope
    await using publisher = natsPublisher(nats);
    const cellar = { key: 'cellar', headers: { scale: 'calibrated' } };
    const ack = await publisher.publish(`${sensors}.cellar`, codec.encode({ celsius: 12 }), cellar);
    console.log(`from the cellar: offset ${ack?.offset} of '${ack?.stream === stream ? 'readings' : ack?.stream}'`);

    // 3. later, somebody wants to hear all of it on NATS, with a tenth of the pauses
    const heard = hear(nats, `replay.${sensors}.*`, 4);
    const replayed = await replay(broker, nats, stream, ack!.offset);
    console.log(`${replayed} messages are played again`);
    for (const line of await heard) console.log(`  ${line.replace(sensors, 'sensors')}`);
    await broker.deleteStream(stream);
  } finally {
    await nats.close();
  }
});

/** Publishes what is stored on NATS again. Each message is acked when that is done. */
async function replay(broker: LiftbridgeBroker, nats: NatsConnection, stream: string, last: bigint): Promise<number> {
  let before: bigint | undefined;
  const replayed$ = broker.messages(stream, { start: earliest(), until: untilOffset(last) }).pipe(
    ackConcatMap(async ({ subject, value, timestamp, headers }) => {
      if (before !== undefined) await firstValueFrom(timer(Number((timestamp - before) / 1_000_000n) / 10));
      before = timestamp;
      nats.publish(`replay.${subject}`, value, { headers: natsHeaders(headers) });
      await nats.flush();
    }),
    toArray(),
  );
  return (await lastValueFrom(replayed$)).length;
}

/** Headers are bytes in a stream, and text on NATS. */
function natsHeaders(headers: ReadonlyMap<string, Uint8Array>): MsgHdrs {
  const made = makeHeaders();
  for (const [name, value] of headers) made.set(name, new TextDecoder().decode(value));
  return made;
}

/** So many messages, as lines. */
async function hear(nats: NatsConnection, subject: string, count: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const message of nats.subscribe(subject, { max: count })) {
    const scale = message.headers?.get('scale');
    const { celsius } = message.json<Reading>();
    lines.push(`${message.subject}: ${celsius}${scale ? `, ${scale}` : ''}`);
  }
  return lines;
}

import { expect } from 'chai';
import { firstValueFrom } from 'rxjs';
import { earliest } from '../../lib/core/starts.js';
import type { LiftbridgeBroker } from '../../lib/liftbridge/index.js';
import { newStream } from './support.js';

export { everythingOf, failureOf, Log, quoted, refuses, short } from '../support/refusals.js';

/** The handle makes a stream, publishes to it and reads it. */
export async function works(broker: LiftbridgeBroker): Promise<void> {
  const stream = await newStream(broker);
  await broker.publish(stream, new Uint8Array([1, 2, 3]));
  const delivery = await firstValueFrom(broker.messages(stream, { start: earliest() }));
  expect([...delivery.value]).to.deep.equal([1, 2, 3]);
  delivery.ack();
  await broker.deleteStream(stream);
}

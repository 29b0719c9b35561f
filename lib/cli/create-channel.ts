import { StreamExistsError } from '../core/errors.js';
import type { Opened } from './open.js';

/** Makes the stream, where the broker wants that and it is not there. */
export async function createChannel({ rabbitmq, liftbridge }: Opened, channel: string): Promise<void> {
  await rabbitmq?.createStream(channel, { ifNotExists: true });
  try {
    await liftbridge?.createStream({ name: channel });
  } catch (error) {
    if (!(error instanceof StreamExistsError)) throw error;
  }
}

/** Removes the stream with all that it holds, where there are streams to remove. */
export async function deleteChannel({ rabbitmq, liftbridge }: Opened, channel: string): Promise<void> {
  await rabbitmq?.deleteStream(channel, { ifExists: true });
  await liftbridge?.deleteStream(channel, { ifExists: true });
}

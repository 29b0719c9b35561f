import { AuthorizationError, StreamNotFoundError } from '../../core/errors.js';
import { capabilities } from '../capabilities.js';
import { exitCodeOf, exitCodes } from '../exit.js';
import { placesOf } from '../inspect.js';
import type { Opened } from '../open.js';
import { failed, ok, skipped, type Check } from './check.js';

/** Whether the channel is there and can be read. */
export async function examineChannel(opened: Opened, channel: string): Promise<readonly Check[]> {
  const { streamsAreMade, replay } = capabilities[opened.kind];
  if (!replay)
    return [skipped('channel', `${opened.kind} has no channels to look for: a topic is there when somebody names it`)];
  if (!streamsAreMade) {
    return [
      skipped('channel', `'${channel}' needs no making: it comes into being with the first message or subscriber`),
    ];
  }
  try {
    const parts = await placesOf(opened, channel);
    const last = parts.map((part) => part.last?.offset).filter((offset) => offset !== undefined);
    const holds = last.length === 0 ? 'is empty' : `ends with offset ${last.join(', ')}`;
    const of = parts.length > 1 ? ` in ${parts.length} partitions` : '';
    return [ok('authorization', `'${channel}' can be read`), ok('channel', `'${channel}' is there${of} and ${holds}`)];
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    if (error instanceof AuthorizationError) {
      return [failed('authorization', found, exitCodes.auth, `let the user read '${channel}' on the server`)];
    }
    if (error instanceof StreamNotFoundError) {
      const where = opened.kind === 'rabbitmq-stream' ? ` in the virtual host '${opened.url.path || '/'}'` : '';
      return [
        failed(
          'channel',
          `there is no stream '${channel}'${where}`,
          exitCodes.notFound,
          'check its name, or make it: rx-weir pub --create makes one with what the server has as defaults',
        ),
      ];
    }
    return [failed('channel', found, exitCodeOf(error))];
  }
}

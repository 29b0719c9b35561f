import { LonelypsHandle, type MakeSession } from './broker.js';
import { resolveOptions, type LonelypsOptions } from './options.js';
import type { Platform } from './platform.js';
import type { LonelypsBroker } from './types.js';

/** Makes the factory function, over what the platform has, for the transports that it has. @internal */
export function factory(
  platformFor: (options: Pick<LonelypsOptions, 'WebSocket'>) => Platform,
  makeSession: MakeSession,
): (options: LonelypsOptions) => LonelypsBroker {
  return (options) => {
    // what is no object is refused by the check of the options
    const platform = platformFor(options ?? {});
    return new LonelypsHandle(resolveOptions(options, platform), platform, makeSession) as unknown as LonelypsBroker;
  };
}

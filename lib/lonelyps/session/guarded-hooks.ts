import type { Logger } from '../../core/logger.js';
import type { SessionHooks } from './session.js';

/** The same hooks, of which none throws: what one throws is logged, because it must not stop the session. @internal */
export function guardedHooks(hooks: SessionHooks, logger: Logger): SessionHooks {
  const guarded =
    <A extends unknown[]>(call: (...args: A) => void) =>
    (...args: A): void => {
      try {
        call(...args);
      } catch (error) {
        logger.error('a hook of the session failed', error);
      }
    };
  return {
    located: guarded(() => hooks.located()),
    connected: guarded((again) => hooks.connected(again)),
    interrupted: guarded((cause) => hooks.interrupted(cause)),
    failed: guarded((error) => hooks.failed(error)),
    lapsed: guarded(() => hooks.lapsed()),
    arrived: guarded((arrival) => hooks.arrived(arrival)),
    missed: guarded((topic) => hooks.missed(topic)),
    drained: guarded(() => hooks.drained()),
    fault: guarded((error) => hooks.fault(error)),
  };
}

import type { Cancel, Clock } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import type { Connector } from '../connection/connection.js';
import type { Link } from '../connection/link.js';

/** @internal */
export interface OpeningHooks {
  opened(link: Link): void;
  failed(error: WeirError): void;
  /** The time is over. */
  late(): void;
  /** A link came that nobody waits for any more. */
  unwanted(link: Link): void;
}

/** Opens a link. One of `opened`, `failed` and `late` is called, never before this has returned; none after `cancel`. @internal */
export function openLink(connector: Connector, clock: Clock, ms: number, hooks: OpeningHooks): Cancel {
  let wanted = true;
  const cancelTimer = clock.after(ms, () => {
    wanted = false;
    hooks.late();
  });
  const end = (): void => {
    wanted = false;
    cancelTimer();
  };
  connector.open().then(
    (link) => {
      if (!wanted) {
        hooks.unwanted(link);
        return;
      }
      end();
      hooks.opened(link);
    },
    (error: unknown) => {
      if (!wanted) return;
      end();
      // a connector rejects with nothing but our own
      hooks.failed(error as WeirError);
    },
  );
  return end;
}

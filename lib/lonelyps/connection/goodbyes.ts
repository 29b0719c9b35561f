import { ConnectionError, type WeirError } from '../../core/errors.js';

const broker = 'lonelyps';

const meanings: Readonly<Record<number, string>> = {
  1000: 'which it does without a reason where it did not accept something: an authorization, a clock, a repeated subscription, a message of the wrong length or hash',
  1001: 'because it is going away',
  1006: 'without a goodbye',
  1009: 'because a message was too large for it; lower maxFrameBytes',
  1011: 'because of a failure of its own',
  1012: 'because it is restarted',
};

/** Why a connection is gone that the other side closed. @internal */
export function goodbye(url: string, code: number, reason: string, cause: WeirError | undefined): WeirError {
  if (cause) return cause;
  const meaning = meanings[code];
  const said = reason && `, saying '${reason}'`;
  return new ConnectionError(
    `The broadcaster ${url} closed the connection (${code})${meaning ? `, ${meaning}` : said}.`,
    {
      broker,
      detail: { code, reason },
    },
  );
}

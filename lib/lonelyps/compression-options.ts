import { count, either, flag, instance, object, type Shape } from '../core/check.js';
import { InvalidOptionError } from '../core/errors.js';
import type { ResolvedCompression } from './connection/parts.js';

/** How messages on the websocket are compressed. */
export interface LonelypsCompression {
  /** zstd dictionaries that the broadcasters have too, by the number that both sides know them by: 2 to 65 535. */
  readonly dictionaries?: Readonly<Record<number, Uint8Array>> | undefined;
  /**
   * The number of the dictionary to begin with, one of `dictionaries`. A broadcaster that does not have it ends the
   * connection.
   */
  readonly initial?: number | undefined;
  /**
   * Whether broadcasters may train a dictionary on what this connection carries, and send it.
   * @defaultValue true
   */
  readonly training?: boolean | undefined;
}

const first = 2;
const last = 65_535;

const compressionShape: Shape<LonelypsCompression> = {
  dictionaries: instance(isDictionaries, `an object with bytes by numbers from ${first} to ${last}`),
  initial: count({ min: first, max: last }),
  training: flag(),
};

/** @internal */
export const compressionChecker = either(flag(), object(compressionShape));

/**
 * The option, which was checked, with its defaults; undefined for none.
 * @throws InvalidOptionError
 * @internal
 */
export function resolveCompression(
  where: string,
  option: boolean | LonelypsCompression | undefined,
  platform: 'node' | 'browser',
): ResolvedCompression | undefined {
  if (option === false || (option === undefined && platform === 'browser')) return undefined;
  const { dictionaries = {}, initial = 0, training = true } = typeof option === 'object' ? option : {};
  const byNumber = new Map(Object.entries(dictionaries).map(([number, bytes]) => [Number(number), bytes]));
  if (initial !== 0 && !byNumber.has(initial)) {
    throw new InvalidOptionError(
      `${where}: compression.initial is ${initial}, and compression.dictionaries has none of that number`,
      {
        broker: 'lonelyps',
      },
    );
  }
  return { required: option !== undefined, dictionaries: byNumber, initial, training };
}

function isDictionaries(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([number, bytes]) => {
    const isNumber = /^[1-9][0-9]*$/.test(number) && Number(number) >= first && Number(number) <= last;
    return isNumber && bytes instanceof Uint8Array && bytes.length > 0;
  });
}

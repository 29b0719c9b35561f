import {
  earliest,
  fromAgo,
  fromOffset,
  fromTime,
  latest,
  newOnly,
  untilOffset,
  untilTime,
  type Start,
  type Until,
} from '../core/starts.js';
import { UsageError } from './exit.js';
import { readDuration, readTime } from './values.js';

/** The flags that say where to begin and to end. */
export interface Places {
  readonly all?: boolean | undefined;
  readonly earliest?: boolean | undefined;
  readonly last?: boolean | undefined;
  readonly new?: boolean | undefined;
  readonly since?: string | undefined;
  readonly time?: string | undefined;
  readonly 'until-now'?: boolean | undefined;
  readonly 'until-offset'?: string | undefined;
  readonly 'until-time'?: string | undefined;
  /** Given once or twice, as kcat has it: `-o s@1700000000000 -o e@1700000060000`. */
  readonly offset?: readonly string[] | undefined;
}

/** Where to begin, and where to end; `now`: at what is the last message at the beginning. */
export interface Range {
  readonly start: Start | undefined;
  readonly until: Until | 'now' | undefined;
}

/**
 * Reads them.
 * @throws UsageError where they contradict each other
 */
export function rangeOf(flags: Places): Range {
  const starts = new Map<string, Start>();
  const untils = new Map<string, Until | 'now'>();
  if (flags.all === true) starts.set('--all', earliest());
  if (flags.earliest === true) starts.set('--earliest', earliest());
  if (flags.last === true) starts.set('--last', latest());
  if (flags.new === true) starts.set('--new', newOnly());
  if (flags.since !== undefined) starts.set('--since', fromAgo(readDuration('--since', flags.since)));
  if (flags.time !== undefined) starts.set('--time', fromTime(readTime('--time', flags.time)));
  if (flags['until-now'] === true) untils.set('--until-now', 'now');
  const lastOffset = flags['until-offset'];
  if (lastOffset !== undefined) untils.set('--until-offset', untilOffset(offsetOf('--until-offset', lastOffset)));
  const lastTime = flags['until-time'];
  if (lastTime !== undefined) untils.set('--until-time', untilTime(readTime('--until-time', lastTime)));
  for (const each of flags.offset ?? []) {
    if (each.startsWith('e@')) untils.set(`-o ${each}`, untilTime(readTime('-o e@', each.slice(2))));
    else starts.set(`-o ${each}`, startOf(each));
  }
  return { start: only(starts, 'start'), until: only(untils, 'end') };
}

function startOf(text: string): Start {
  switch (text) {
    case 'beginning':
    case 'earliest':
    case 'first':
      return earliest();
    case 'end':
    case 'next':
    case 'new':
      return newOnly();
    case 'last':
      return latest();
    default:
  }
  if (text.startsWith('s@')) return fromTime(readTime('-o s@', text.slice(2)));
  return fromOffset(offsetOf('-o', text));
}

function offsetOf(flag: string, text: string): bigint {
  if (/^\d{1,20}$/.test(text)) return BigInt(text);
  throw new UsageError(
    `${flag} takes an offset${flag === '-o' ? ', beginning, end, last, s@time or e@time' : ''}; got '${text}'`,
  );
}

function only<T>(given: ReadonlyMap<string, T>, what: string): T | undefined {
  if (given.size > 1)
    throw new UsageError(`${[...given.keys()].join(' and ')} both say where to ${what}; give one of them`);
  const [first] = given.values();
  return first;
}

/** What was looked at. */
export type CheckName =
  | 'url'
  | 'name'
  | 'port'
  | 'tls'
  | 'protocol'
  | 'session'
  | 'authentication'
  | 'authorization'
  | 'channel'
  | 'round trip'
  | 'clock'
  | 'versions';

/** What was found. */
export interface Check {
  readonly name: CheckName;
  /**
   * `warning`: it works, and somebody should look at it; `skipped`: there is nothing to look at, or it was not to be looked at;
   * `unreached`: something before it is wrong.
   */
  readonly state: 'ok' | 'failed' | 'warning' | 'skipped' | 'unreached';
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string | undefined;
  /** What the command exits with because of it. */
  readonly code?: number | undefined;
}

export const ok = (name: CheckName, found: string): Check => ({ name, state: 'ok', found });
export const skipped = (name: CheckName, found: string): Check => ({ name, state: 'skipped', found });
export const warning = (name: CheckName, found: string, advice: string): Check => ({
  name,
  state: 'warning',
  found,
  advice,
});
export const failed = (name: CheckName, found: string, code: number, advice?: string): Check => ({
  name,
  state: 'failed',
  found,
  code,
  advice,
});

/** Nobody waits for longer than a day, whatever a server says; and a timer could not. */
const longest = 86_400_000;

/**
 * ms to wait, from seconds or a date; undefined where the header is neither.
 * @param now - ms since the Unix epoch
 * @internal
 */
export function retryAfterOf(header: string | readonly string[] | undefined, now: number): number | undefined {
  const text = typeof header === 'string' ? header.trim() : header?.[0]?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, longest);
  // Date.parse takes much that is no date of HTTP, such as "-5"
  if (!/^[A-Za-z]{3},? /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at - now, 0), longest);
}

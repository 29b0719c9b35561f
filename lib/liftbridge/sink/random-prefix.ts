import { randomInt } from 'node:crypto';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Six random letters and digits and a dash: enough that ids of two handles are not mixed up by who reads them. @internal */
export function randomPrefix(): string {
  let prefix = '';
  while (prefix.length < 6) prefix += letters.charAt(randomInt(letters.length));
  return `${prefix}-`;
}

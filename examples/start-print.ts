const colours = process.stdout.isTTY && !process.env['NO_COLOR'];

const paint = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);

/** Bold on a terminal. */
export const strong = (text: string): string => paint(1, text);

/** Faint on a terminal. */
export const dim = (text: string): string => paint(2, text);

/** Prints lines beside one of the library's words. */
export function word(name: string, ...lines: readonly string[]): void {
  for (const [n, line] of lines.entries()) console.log(`${paint(36, (n === 0 ? name : '').padEnd(10))} ${line}`);
}

/** `1 line`, `2 lines`. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en').replaceAll(',', ' ')} ${noun}${n === 1 ? '' : 's'}`;
}

/** Prints the first few lines that it is given, and how many more there were. */
export class Few {
  private lines = 0;

  constructor(private readonly most: number) {}

  add(line: string): void {
    if (this.lines++ < this.most) word('', line);
  }

  end(): void {
    if (this.lines > this.most) word('', `and ${this.lines - this.most} more like these`);
  }
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../package/built.js';

/** A page of docs/. */
export interface Page {
  /** From the package's folder, such as `docs/recipes/batch.md`. */
  readonly path: string;
  readonly markdown: string;
  readonly blocks: readonly Block[];
}

/** A fenced block of a page. */
export interface Block {
  readonly language: string;
  /** What else its fence says, such as `no-run`. */
  readonly words: readonly string[];
  /** The line of the page that its code begins on, counted from 1. */
  readonly line: number;
  readonly code: string;
  /** The name in a first line `// file: name.ts`: it is a whole program. */
  readonly file: string | undefined;
  /** What the page says that it prints: the text block that stands right behind it. */
  readonly prints: string | undefined;
}

/** All pages of docs/, in the order of their paths. */
export function readPages(): Page[] {
  return readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .map((name) => `docs/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.md') && !path.startsWith('docs/reference/'))
    .sort()
    .map(readPage);
}

/** A page, by its path from the package's folder. */
export function readPage(path: string): Page {
  const markdown = readFileSync(join(root, path), 'utf8');
  return { path, markdown, blocks: blocksOf(markdown) };
}

/** The fenced blocks of a Markdown text. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  let open: { fence: string; language: string; words: string[]; line: number } | undefined;
  let gap = true;
  for (const [index, line] of lines.entries()) {
    const [, fence, info] = /^\s*(`{3,})\s*([^`]*)$/.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== undefined) {
        const [language = '', ...words] = (info ?? '').trim().split(/\s+/);
        open = { fence, language, words, line: index + 2 };
      } else if (line.trim() !== '') {
        gap = true;
      }
      continue;
    }
    if (fence === undefined || fence.length < open.fence.length || info !== '') continue;
    const { language, words, line: begin } = open;
    const code = lines.slice(begin - 1, index).join('\n');
    const before = blocks.at(-1);
    // nothing but empty lines between a program and what it prints
    if (language === 'text' && !gap && before?.language === 'ts')
      blocks[blocks.length - 1] = { ...before, prints: code };
    const file = language === 'ts' ? /^\/\/ file: (\S+\.ts)$/m.exec(lines[begin - 1] ?? '')?.[1] : undefined;
    blocks.push({ language, words, line: begin, code, file, prints: undefined });
    open = undefined;
    gap = false;
  }
  return blocks;
}

/** A Markdown text without its fenced blocks and its code, which may hold what looks like a link. */
export function proseOf(markdown: string): string {
  return markdown.replace(/^\s*(`{3,})[^`]*\n[^]*?^\s*\1\s*$/gm, '').replace(/`[^`\n]*`/g, '');
}

/** The anchors that GitHub gives to the headings of a Markdown text. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  const counts = new Map<string, number>();
  const withoutBlocks = markdown.replace(/^\s*(`{3,})[^`]*\n[^]*?^\s*\1\s*$/gm, '');
  for (const [, heading = ''] of withoutBlocks.matchAll(/^#{1,6} +(.*?)\s*$/gm)) {
    const anchor = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    const count = counts.get(anchor) ?? 0;
    counts.set(anchor, count + 1);
    anchors.add(count === 0 ? anchor : `${anchor}-${count}`);
  }
  return anchors;
}

/** The cells of the tables below a heading, up to the next heading, row by row, without the heads of the tables. */
export function rowsBelow(markdown: string, heading: string): string[][] {
  const lines = markdown.split('\n');
  const begin = lines.indexOf(heading);
  if (begin < 0) return [];
  const end = lines.findIndex((line, index) => index > begin && /^#{1,6} /.test(line));
  const rows = lines.slice(begin + 1, end < 0 ? undefined : end).filter((line) => line.startsWith('|'));
  return rows
    .filter((row, index) => !isRule(row) && !isRule(rows[index + 1]))
    .map((row) =>
      row
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** The line below the head of a table. */
function isRule(row: string | undefined): boolean {
  return row !== undefined && /^\|[\s|:-]+\|$/.test(row);
}

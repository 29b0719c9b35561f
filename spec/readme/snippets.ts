import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../package/built.js';

/** A program in README.md. */
export interface Snippet {
  /** The heading that it stands under, with a number where that has several. */
  readonly name: string;
  readonly code: string;
  /** The lines that it says it prints, as `//> line`. */
  readonly prints: readonly string[];
  /** Whether it needs a NATS Streaming server. */
  readonly server: boolean;
}

/** The text of README.md. */
export const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The TypeScript programs of a Markdown text. */
export function snippetsOf(markdown: string): Snippet[] {
  const snippets: Snippet[] = [];
  const counts = new Map<string, number>();
  let heading = '';
  let code: string[] | undefined;
  let language = '';
  for (const line of markdown.split('\n')) {
    const fence = /^```(\w*)$/.exec(line);
    if (code === undefined) {
      heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
      if (fence) {
        code = [];
        language = fence[1]!;
      }
    } else if (!fence) {
      code.push(line);
    } else {
      if (language === 'ts') {
        const count = (counts.get(heading) ?? 0) + 1;
        counts.set(heading, count);
        snippets.push(snippetOf(count === 1 ? heading : `${heading} (${count})`, code));
      }
      code = undefined;
    }
  }
  return snippets;
}

function snippetOf(name: string, lines: readonly string[]): Snippet {
  const code = lines.join('\n');
  const prints = lines.flatMap((line) => /^\s*\/\/> (.*)$/.exec(line)?.[1] ?? []);
  return { name, code, prints, server: code.includes('natsStreaming(') };
}

/** The addresses in README.md, replaced with those of a server. */
export function addressedTo(code: string, server: { url: string; wsUrl: string | undefined; cluster: string }): string {
  return code
    .replaceAll('nats://localhost:4222', server.url)
    .replaceAll('ws://localhost:8080', server.wsUrl ?? '')
    .replaceAll("'test-cluster'", `'${server.cluster}'`);
}

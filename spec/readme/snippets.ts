import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../package/built.js';
import type {
  LiftbridgeServer,
  LonelypssServer,
  NatsStreamingServer,
  RabbitMqServer,
} from '../support/brokers/index.js';

/** A program in README.md. */
export interface Snippet {
  /** The heading that it stands under, with a number where that has several. */
  readonly name: string;
  readonly code: string;
  /** The lines that it says it prints, as `//> line`. */
  readonly prints: readonly string[];
  /** Whether it needs a server. */
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
  return { name, code, prints, server: /\b(natsStreaming|rabbitmqStream|liftbridge|lonelyps)\(/.test(code) };
}

/** What the programs in README.md connect to, and what those name. */
export interface Servers {
  readonly nats: Pick<NatsStreamingServer, 'url' | 'wsUrl' | 'cluster'>;
  readonly rabbit: Pick<RabbitMqServer, 'url' | 'tlsPort' | 'certificates'>;
  readonly liftbridge: Pick<LiftbridgeServer, 'url' | 'natsUrl'>;
  /** One that asks for the client certificate that `rabbit` knows too. */
  readonly liftbridgeTls: Pick<LiftbridgeServer, 'url'>;
  readonly lonelypss: Pick<LonelypssServer, 'url' | 'socketUrl'>;
  /** A free port for the callbacks of `lonelypss`. */
  readonly callbackPort: number;
}

/** A program of README.md with its addresses and files replaced by those of servers that run. */
export function addressedTo(code: string, servers: Servers): string {
  const { nats, rabbit, liftbridge, liftbridgeTls, lonelypss, callbackPort } = servers;
  const { ca = '', clientCert = '', clientKey = '' } = rabbit.certificates ?? {};
  return code
    .replaceAll('nats://localhost:4222', nats.url)
    .replaceAll('ws://localhost:8080', nats.wsUrl ?? '')
    .replaceAll("'test-cluster'", `'${nats.cluster}'`)
    .replaceAll('rabbitmq-stream://localhost:5552', rabbit.url)
    .replaceAll('rabbitmq-stream+tls://localhost:5551', `rabbitmq-stream+tls://localhost:${rabbit.tlsPort ?? 5551}`)
    .replaceAll('liftbridge+tls://localhost:9293', `liftbridge+tls://${liftbridgeTls.url}`)
    .replaceAll('localhost:9292', liftbridge.url)
    .replaceAll('nats://localhost:4224', liftbridge.natsUrl ?? '')
    .replaceAll('http://localhost:3003', lonelypss.url)
    .replaceAll('ws://localhost:3003', lonelypss.socketUrl)
    .replaceAll(/\b3002\b/g, String(callbackPort))
    .replaceAll("'ca.pem'", JSON.stringify(ca))
    .replaceAll("'client.pem'", JSON.stringify(clientCert))
    .replaceAll("'client-key.pem'", JSON.stringify(clientKey));
}

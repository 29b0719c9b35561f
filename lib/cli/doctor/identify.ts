import { encodePeerProperties } from '../../rabbitmq-stream/codec/requests.js';
import type { BrokerUrl, Endpoint } from '../url.js';
import { ask, type Answer, type Question } from './exchange.js';

/** What is spoken on a port. */
export type Protocol =
  'nats' | 'rabbitmq-stream' | 'grpc' | 'http' | 'amqp' | 'tls' | 'ssh' | 'redis' | 'silence' | 'unknown';

/** What was found out about a port. */
export interface Spoken {
  readonly protocol: Protocol;
  /** What the peer said of itself: a version, a flag. */
  readonly facts: Readonly<Record<string, string>>;
}

/** What each looks like in words. */
export const protocolNames: Readonly<Record<Protocol, string>> = {
  nats: 'NATS',
  'rabbitmq-stream': "RabbitMQ's stream protocol",
  grpc: 'HTTP/2, as gRPC does',
  http: 'HTTP/1.1',
  amqp: 'AMQP',
  tls: 'TLS',
  ssh: 'SSH',
  redis: 'the protocol of Redis',
  silence: 'nothing: it takes what is sent and does not answer',
  unknown: 'something unknown: it ends the connection',
};

/** What a broker's URL leads to where all is well. */
export function expectedOf({ kind, transport }: Pick<BrokerUrl, 'kind' | 'transport'>): Protocol {
  if (transport === 'ws' || transport === 'http') return 'http';
  return kind === 'nats-streaming' ? 'nats' : kind === 'liftbridge' ? 'grpc' : 'rabbitmq-stream';
}

const peerProperties = encodePeerProperties(1, { properties: new Map([['product', 'rx-weir doctor']]) });
// an empty SETTINGS frame behind the preface
const http2Preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const amqpHeader = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]);
// a TLS 1.2 ClientHello with one cipher suite: a server of TLS answers with a hello or an alert, both are records of TLS
const clientHello = Buffer.from(`160301002d010000290303${'5a'.repeat(32)}000002c02f0100`, 'hex');

const greetings: Readonly<Partial<Record<Protocol, (host: string) => Uint8Array | undefined>>> = {
  nats: () => undefined,
  'rabbitmq-stream': () => peerProperties,
  grpc: () => http2Preface,
  http: (host) => Buffer.from(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
  amqp: () => amqpHeader,
  tls: () => clientHello,
};

/** How long a greeting may stay unanswered at most, in ms: as what is expected there, and as something else. */
const patience = { expected: 2_000, other: 700 };

/**
 * Finds out what is spoken on a port: first as what is expected there, then as what it could be instead.
 * @param tls - how to get behind TLS, where that is expected
 */
export async function identify(
  endpoint: Endpoint,
  expected: Protocol,
  wait: number,
  tls?: Question['tls'],
): Promise<Spoken> {
  let last: Spoken = { protocol: 'unknown', facts: {} };
  const order = new Set<Protocol>([expected, 'nats', 'tls', 'http', 'amqp', 'grpc', 'rabbitmq-stream']);
  let silent = true;
  for (const protocol of order) {
    const greeting = greetings[protocol];
    if (greeting === undefined) continue;
    const isExpected = protocol === expected;
    const answer = await ask({
      endpoint,
      send: greeting(endpoint.host),
      enough: (bytes) => isWhole(bytes, protocol),
      wait: Math.min(wait, isExpected ? patience.expected : patience.other),
      tls,
    });
    if (answer.bytes.length > 0 || answer.closed) silent = false;
    last = read(answer, last);
    if (last.protocol !== 'unknown') return last;
  }
  return silent ? { protocol: 'silence', facts: {} } : last;
}

function isWhole(bytes: Buffer, protocol: Protocol): boolean {
  if (bytes.subarray(0, 5).toString('latin1') === 'INFO ') return bytes.includes('\r\n');
  if (protocol === 'http') return bytes.includes('\r\n\r\n') || !bytes.subarray(0, 5).equals(Buffer.from('HTTP/'));
  if (protocol === 'rabbitmq-stream')
    return bytes.length >= 8 && bytes.length >= 4 + Math.min(bytes.readUInt32BE(0), 65_536);
  return bytes.length >= 9;
}

function read({ bytes }: Answer, otherwise: Spoken): Spoken {
  const text = bytes.subarray(0, 4096).toString('latin1');
  if (text.startsWith('INFO ')) return { protocol: 'nats', facts: natsFacts(text) };
  if (text.startsWith('HTTP/')) return { protocol: 'http', facts: httpFacts(text) };
  if (text.startsWith('AMQP')) return { protocol: 'amqp', facts: {} };
  if (text.startsWith('SSH-')) return { protocol: 'ssh', facts: {} };
  if (/^[-+][A-Z]+/.test(text)) return { protocol: 'redis', facts: {} };
  if ((bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3) return { protocol: 'tls', facts: {} };
  // the answer to PeerProperties has its key with the highest bit set
  if (bytes.length >= 8 && bytes.readUInt16BE(4) === 0x8011)
    return { protocol: 'rabbitmq-stream', facts: rabbitFacts(bytes) };
  if (bytes.length >= 9 && bytes[3] === 4 && bytes.readUInt32BE(5) === 0 && bytes.readUIntBE(0, 3) < 1024) {
    return { protocol: 'grpc', facts: {} };
  }
  // an AMQP connection that begins at once with a method frame
  if (bytes.length >= 8 && bytes[0] === 1 && bytes.readUInt16BE(1) === 0) return { protocol: 'amqp', facts: {} };
  return otherwise;
}

function natsFacts(text: string): Record<string, string> {
  try {
    const info = JSON.parse(text.slice(5, text.indexOf('\r\n'))) as Record<string, unknown>;
    const wanted = ['version', 'server_name', 'tls_required', 'tls_available', 'auth_required'];
    return Object.fromEntries(
      wanted.filter((name) => info[name] !== undefined).map((name) => [name, String(info[name])]),
    );
  } catch {
    return {};
  }
}

function httpFacts(text: string): Record<string, string> {
  const header = (name: string): string | undefined => new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(text)?.[1];
  const facts = { server: header('server'), date: header('date') };
  return Object.fromEntries(Object.entries(facts).filter((each): each is [string, string] => each[1] !== undefined));
}

/** Names and values behind the head of the frame, the code of the answer and their count. */
function rabbitFacts(bytes: Buffer): Record<string, string> {
  const facts: Record<string, string> = {};
  const end = Math.min(bytes.length, 4 + bytes.readUInt32BE(0));
  let at = 18;
  const text = (): string | undefined => {
    if (at + 2 > end) return undefined;
    const length = bytes.readUInt16BE(at);
    at += 2 + length;
    return at > end ? undefined : bytes.toString('utf8', at - length, at);
  };
  for (let name = text(); name !== undefined; name = text()) {
    const value = text();
    if (value !== undefined && (name === 'version' || name === 'product')) facts[name] = value;
  }
  return facts;
}

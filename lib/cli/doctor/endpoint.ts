import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { clientRefused, isNoTls, messageOf, tlsSetUp, unreachable } from '../../core/socket-failures.js';
import { codeOf, nodeTlsOptions, type TlsOptions } from '../../core/tls.js';
import { exitCodes } from '../exit.js';
import { authorityOf, type BrokerUrl, type Endpoint } from '../url.js';
import { failed, ok, skipped, warning, type Check } from './check.js';
import { expectedOf, identify, protocolNames, type Spoken } from './identify.js';

/** What is known of a place after it was looked at. */
export interface EndpointReport {
  readonly endpoint: Endpoint;
  readonly checks: readonly Check[];
  /** Whether it can be spoken to as the URL says. */
  readonly good: boolean;
  readonly spoken: Spoken | undefined;
}

/** Looks at one place: its name, its port, TLS and what is spoken there. Stops at the first that is wrong. */
export async function examineEndpoint(
  url: BrokerUrl,
  endpoint: Endpoint,
  tls: TlsOptions | undefined,
  wait: number,
): Promise<EndpointReport> {
  const checks: Check[] = [];
  const report = (good: boolean, spoken?: Spoken): EndpointReport => ({ endpoint, checks, good, spoken });
  const name = await resolves(endpoint);
  checks.push(name);
  if (name.state === 'failed') return report(false);
  const port = await listens(endpoint, wait);
  checks.push(port);
  if (port.state === 'failed') return report(false);
  const expected = expectedOf(url);
  // NATS says hello before TLS begins; everywhere else TLS comes first
  const hello = expected === 'nats' || tls === undefined ? await identify(endpoint, expected, wait) : undefined;
  if (tls === undefined) checks.push(withoutTls(url, hello as Spoken));
  else checks.push(await withTls(url, endpoint, tls, wait, hello));
  if (checks.at(-1)?.state === 'failed') return report(false, hello);
  const spoken = hello ?? (await identify(endpoint, expected, wait, { options: optionsOf(url, endpoint, tls ?? {}) }));
  const protocol = protocolCheck(url, endpoint, spoken);
  checks.push(protocol);
  return report(protocol.state !== 'failed', spoken);
}

async function resolves({ host }: Endpoint): Promise<Check> {
  if (isIP(host) !== 0) return ok('name', `${host} is an address`);
  try {
    const addresses = await lookup(host, { all: true });
    return ok('name', `${host} is ${addresses.map(({ address }) => address).join(', ')}`);
  } catch (error) {
    const code = codeOf(error);
    return failed(
      'name',
      `${host}: ${unreachable[code ?? ''] ?? messageOf(error)} (${code ?? 'no code'})`,
      exitCodes.connection,
      'check the host in the URL; a name of a container or a cluster is known inside of it only',
    );
  }
}

function listens(endpoint: Endpoint, wait: number): Promise<Check> {
  const where = authorityOf(endpoint);
  const begun = performance.now();
  return new Promise((resolve) => {
    const socket = connect(endpoint);
    const done = (check: Check): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(check);
    };
    const timer = setTimeout(() => {
      const advice = 'check the address, and that no firewall drops what is sent there';
      done(failed('port', `${where} did not answer within ${wait} ms`, exitCodes.connection, advice));
    }, wait);
    socket.once('connect', () =>
      done(ok('port', `${where} accepts connections (${(performance.now() - begun).toFixed(1)} ms)`)),
    );
    socket.once('error', (error) => {
      const code = codeOf(error);
      const refused = code === 'ECONNREFUSED';
      done(
        failed(
          'port',
          refused ? `nothing listens on ${where}` : `${where}: ${unreachable[code ?? ''] ?? messageOf(error)}`,
          exitCodes.connection,
          refused ? 'start the broker, or check the port in the URL' : 'check the address and the network',
        ),
      );
    });
  });
}

function withoutTls(url: BrokerUrl, { protocol, facts }: Spoken): Check {
  if (protocol === 'tls' || facts['tls_required'] === 'true') return tlsIsRequired(url);
  return skipped('tls', 'the URL asks for none: what is sent can be read on the way');
}

function tlsIsRequired(url: BrokerUrl): Check {
  const write = withTlsScheme(url);
  return failed('tls', 'the server requires TLS, and the URL asks for none', exitCodes.connection, `write ${write}`);
}

function withTlsScheme({ kind, transport }: BrokerUrl): string {
  if (transport === 'ws') return `${kind}+wss://…, or add tls=true to the query`;
  return `${kind}${kind === 'lonelyps' ? '+https' : '+tls'}://…, or add tls=true to the query`;
}

function optionsOf(url: BrokerUrl, { host }: Endpoint, tls: TlsOptions): object {
  // a server of gRPC ends a connection that does not say so
  const protocols = url.kind === 'liftbridge' ? { ALPNProtocols: ['h2'] } : {};
  return { ...nodeTlsOptions(tls, isIP(host) === 0 ? host : undefined), ...protocols };
}

async function withTls(
  url: BrokerUrl,
  endpoint: Endpoint,
  tls: TlsOptions,
  wait: number,
  hello: Spoken | undefined,
): Promise<Check> {
  if (hello?.protocol === 'nats' && hello.facts['tls_required'] !== 'true' && hello.facts['tls_available'] !== 'true') {
    return failed(
      'tls',
      'the server offers no TLS, and the URL asks for it',
      exitCodes.connection,
      'write the scheme without TLS, or set TLS up on the server',
    );
  }
  // it will be named by what is spoken there
  if (hello !== undefined && hello.protocol !== 'nats') return skipped('tls', 'not looked at');
  const outcome = await handshake(url, endpoint, tls, wait);
  if (!(outcome instanceof Error)) return outcome;
  const code = codeOf(outcome);
  if (isNoTls(code) || code === 'ECONNRESET') {
    const { protocol } = await identify(endpoint, expectedOf(url), wait);
    const found = `no TLS is spoken there, but ${protocolNames[protocol]}`;
    const plain =
      protocol === expectedOf(url) ? 'write the scheme without TLS, or give the port with TLS' : 'check the port';
    return failed('tls', found, exitCodes.connection, plain);
  }
  const advice =
    clientRefused[code ?? ''] === undefined
      ? 'give the authority of its certificate with --tlsca FILE, or as tls.ca=FILE in the query; and connect by a name that the certificate has'
      : 'give --tlscert and --tlskey';
  const words = tlsSetUp[code ?? ''] ?? clientRefused[code ?? ''] ?? messageOf(outcome);
  return failed('tls', `${words} (${code ?? 'no code'})`, exitCodes.connection, advice);
}

function handshake(url: BrokerUrl, endpoint: Endpoint, tls: TlsOptions, wait: number): Promise<Check | Error> {
  return new Promise((resolve) => {
    const plain = connect(endpoint);
    let secured: TLSSocket | undefined;
    const done = (outcome: Check | Error): void => {
      clearTimeout(timer);
      // TLS over a socket that is destroyed under it takes Node down
      (secured ?? plain).destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => done(new Error(`it did not finish within ${wait} ms`)), wait);
    plain.on('error', done);
    const begin = (): void => {
      plain.removeAllListeners('data');
      secured = connectTls({ ...optionsOf(url, endpoint, tls), socket: plain });
      secured.on('error', done);
      secured.once('secureConnect', () => done(certificateCheck(secured as TLSSocket)));
    };
    // NATS speaks first, and TLS begins behind its line
    if (expectedOf(url) === 'nats') plain.once('data', begin);
    else plain.once('connect', begin);
  });
}

function certificateCheck(socket: TLSSocket): Check {
  const { subject, valid_to: ends } = socket.getPeerCertificate();
  const whose = `${socket.getProtocol() ?? 'TLS'}, the certificate of ${[subject?.CN ?? 'no name'].flat().join(', ')}`;
  if (!socket.authorized) {
    return warning(
      'tls',
      `${whose} is not checked`,
      'anybody can pose as the server; give tls.ca instead of rejectUnauthorized=false',
    );
  }
  return ok('tls', `${whose} is trusted, until ${ends}`);
}

function protocolCheck(url: BrokerUrl, endpoint: Endpoint, { protocol, facts }: Spoken): Check {
  const expected = expectedOf(url);
  const where = authorityOf(endpoint);
  if (protocol === expected) {
    const version = facts['version'] ?? facts['server'];
    return ok('protocol', `${where} speaks ${protocolNames[protocol]}${version === undefined ? '' : ` (${version})`}`);
  }
  const ports: Readonly<Record<string, string>> = {
    'nats-streaming': '4222',
    'rabbitmq-stream': '5552, or 5551 with TLS, with the plugin rabbitmq_stream',
    liftbridge: '9292',
    lonelyps: '3003',
  };
  return failed(
    'protocol',
    `${where} speaks ${protocolNames[protocol]}, and ${url.kind} needs ${protocolNames[expected]}`,
    exitCodes.connection,
    `check the port: ${url.kind} is on ${ports[url.kind] ?? 'another'} by default; or the scheme of the URL`,
  );
}

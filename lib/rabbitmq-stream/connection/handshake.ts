import { AuthenticationError, ProtocolError } from '../../core/errors.js';
import { keys } from '../codec/keys.js';
import type { Reader } from '../codec/reader.js';
import {
  encodeExchangeCommandVersions,
  encodeOpen,
  encodePeerProperties,
  encodeSaslAuthenticate,
  encodeSaslHandshake,
  encodeTune,
  saslPlainData,
  type CommandVersions,
  type Tune,
} from '../codec/requests.js';
import {
  readExchangeCommandVersions,
  readOpen,
  readPeerProperties,
  readSaslHandshake,
  type NodeAddress,
} from '../codec/responses.js';
import { ownVersions, tellsVersions } from './command-support.js';
import type { ConnectionOptions } from './connection.js';
import type { RequestSubject } from './failures.js';
import { addressOf } from './socket-failures.js';

/** What a handshake needs of a connection in the making. @internal */
export interface HandshakeLink {
  ask<R>(
    key: number,
    make: (correlationId: number) => Uint8Array,
    read: (reader: Reader) => R,
    subject: RequestSubject,
  ): Promise<R>;
  /** Resolves with what the broker proposes once it has accepted the credentials. */
  tune(): Promise<Tune>;
  /** Answers the broker's proposal, which holds from here on. */
  agree(tune: Tune, frame: Uint8Array): void;
}

/** What the handshake has found out. @internal */
export interface Handshake {
  readonly serverProperties: ReadonlyMap<string, string>;
  readonly advertised: NodeAddress | undefined;
  /** Undefined where the broker does not tell. */
  readonly versions: ReadonlyMap<number, CommandVersions> | undefined;
}

/**
 * Introduces the client, authenticates, agrees on limits and opens the virtual host. The broker's handshake takes one read
 * of its socket for one frame: every frame is one write, and the next one waits for the answer.
 * @internal
 */
export async function shakeHands(link: HandshakeLink, options: ConnectionOptions): Promise<Handshake> {
  const at = `RabbitMQ at ${addressOf(options)}`;
  const { properties, vhost } = options;
  const serverProperties = await link.ask(
    keys.peerProperties,
    (id) => encodePeerProperties(id, { properties }),
    readPeerProperties,
    { action: `connect to ${at}` },
  );
  const mechanisms = await link.ask(keys.saslHandshake, encodeSaslHandshake, readSaslHandshake, {
    action: `ask ${at} how to authenticate`,
  });
  await authenticate(link, options, mechanisms, at);
  const opened = await link.ask(keys.open, (id) => encodeOpen(id, { vhost }), readOpen, {
    action: `open the virtual host '${vhost}' of ${at}`,
  });
  const versions = tellsVersions(serverProperties.get('version'))
    ? await link.ask(
        keys.exchangeCommandVersions,
        (id) => encodeExchangeCommandVersions(id, { commands: ownVersions }),
        readExchangeCommandVersions,
        { action: `ask ${at} which commands it knows` },
      )
    : undefined;
  return {
    serverProperties,
    advertised: advertisedBy(opened),
    versions: versions && new Map(versions.map((each) => [each.key, each])),
  };
}

async function authenticate(
  link: HandshakeLink,
  options: ConnectionOptions,
  offered: readonly string[],
  at: string,
): Promise<void> {
  const { sasl, username, password } = options;
  const mechanism = sasl === 'plain' ? 'PLAIN' : 'EXTERNAL';
  const action =
    sasl === 'plain' ? `authenticate as '${username}' at ${at}` : `authenticate by the client certificate at ${at}`;
  if (!offered.includes(mechanism)) {
    const advice =
      sasl === 'plain'
        ? "enable it in the broker's auth_mechanisms"
        : 'it needs TLS with a client certificate, and the plugin rabbitmq_auth_mechanism_ssl on the broker';
    throw new AuthenticationError(
      `cannot ${action}: it does not offer the mechanism ${mechanism} but ${offered.join(', ') || 'none'}; ${advice}`,
      { broker: 'rabbitmq-stream', detail: { mechanism, offered: offered.join(' ') } },
    );
  }
  // the proposal can come in the same read as the answer
  const proposed = link.tune();
  await link.ask(
    keys.saslAuthenticate,
    (id) =>
      encodeSaslAuthenticate(id, {
        mechanism,
        data: sasl === 'plain' ? saslPlainData(username, password) : null,
      }),
    () => undefined,
    { action },
  );
  const theirs = await proposed;
  const agreed = {
    frameMax: lower(options.frameMax, theirs.frameMax),
    heartbeat: lower(Math.ceil(options.heartbeat / 1000), theirs.heartbeat),
  };
  link.agree(agreed, encodeTune(agreed));
}

/** 0 is "no limit" in both directions, so the other side's value counts. */
function lower(ours: number, theirs: number): number {
  return ours === 0 || theirs === 0 ? Math.max(ours, theirs) : Math.min(ours, theirs);
}

function advertisedBy(opened: ReadonlyMap<string, string>): NodeAddress | undefined {
  const host = opened.get('advertised_host');
  const port = opened.get('advertised_port');
  if (host === undefined || port === undefined) return undefined;
  if (!/^\d{1,5}$/.test(port)) {
    throw new ProtocolError(`the broker says that it is at port '${port}' of ${host}, which is no port`, {
      broker: 'rabbitmq-stream',
    });
  }
  return { host, port: Number(port) };
}

import { join } from 'node:path';
import type { Certificates } from '../certificates.js';
import type { LiftbridgeOptions } from './liftbridge-server.js';

type Value = string | number | boolean | readonly string[];

/** What the configuration of one node is made from, beside the options. */
export interface LiftbridgePlace {
  readonly id: string;
  /** The ids of all nodes of a cluster; a single node has none. */
  readonly peers?: readonly string[] | undefined;
  /** The address to bind. */
  readonly bind: string;
  /** The host that clients are told to connect to. */
  readonly advertisedHost: string;
  readonly port: number;
  /** The NATS server, and the file that configures it where it is embedded. */
  readonly natsUrl: string;
  readonly natsFile: string | undefined;
  /** For the files below. */
  readonly folder: string;
  readonly certificates: Certificates | undefined;
}

/** The namespace, with which all subjects of the servers' own begin. */
export const namespace = 'weir';

/** Whether clients must present a certificate. */
export function wantsClientCertificate({ tls, acl }: Pick<LiftbridgeOptions, 'tls' | 'acl'>): boolean {
  return acl !== undefined || (typeof tls === 'object' && tls.verify === true);
}

/** The text of a node's configuration, in YAML. */
export function liftbridgeConfig(options: LiftbridgeOptions, place: LiftbridgePlace): string {
  const { cursors = true, groups = {}, streams = {} } = options;
  const { peers } = place;
  const settings: Record<string, Value | undefined> = {
    listen: `${place.bind}:${place.port}`,
    host: place.advertisedHost,
    port: place.port,
    'data.dir': join(place.folder, 'data'),
    // Lower, it would not say that it is ready.
    'logging.level': 'info',
    // The same line is lost otherwise when it falls into the replay of what was there before a restart.
    'logging.recovery': true,
    'metadata.cache.max.age': '1s',
    'nats.servers': [place.natsUrl],
    'nats.embedded.config': place.natsFile,
    'clustering.server.id': place.id,
    'clustering.namespace': namespace,
    ...(peers ? { 'clustering.raft.bootstrap.peers': peers } : { 'clustering.raft.bootstrap.seed': true }),
    // A dead leader or follower is noticed in two seconds in place of fifteen.
    'clustering.replica.max.lag.time': '2s',
    'clustering.replica.max.leader.timeout': '2s',
    'clustering.replica.max.idle.wait': '500ms',
    'clustering.replica.fetch.timeout': '1s',
    'streams.cleaner.interval': duration(streams.cleanerInterval ?? 1_000),
    'streams.segment.max.bytes': streams.segmentMaxBytes,
    'streams.segment.max.age': duration(streams.segmentMaxAge),
    'streams.retention.max.bytes': streams.retentionMaxBytes,
    'streams.retention.max.messages': streams.retentionMaxMessages,
    'streams.retention.max.age': duration(streams.retentionMaxAge),
    'activity.stream.enabled': true,
    'activity.stream.publish.ack.policy': 'leader',
    'cursors.stream.partitions': cursors ? cursorPartitions : 0,
    'cursors.stream.replication.factor': peers?.length ?? 1,
    'cursors.stream.auto.pause.time': 0,
    'groups.consumer.timeout': duration(groups.consumerTimeout ?? 2_000),
    'groups.coordinator.timeout': duration(groups.coordinatorTimeout ?? 2_000),
    ...security(options, place),
    ...options.settings,
  };
  const lines = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${JSON.stringify(value)}`],
  );
  return `${lines.join('\n')}\n`;
}

const cursorPartitions = 3;

/** The subjects that the leaders of the servers' own streams listen to, once a leader has made these streams. */
export function ownSubjects({ cursors = true }: Pick<LiftbridgeOptions, 'cursors'>): string[] {
  const subject = `${namespace}.cursors`;
  const partitions = Array.from({ length: cursors ? cursorPartitions : 0 }, (_, i) =>
    i ? `${subject}.${i}` : subject,
  );
  return [`${namespace}.activity`, ...partitions];
}

/** The files that say who may do what, by their names in the node's folder: Casbin's model, and the policy. */
export function accessFiles(acl: readonly string[]): Record<string, string> {
  const model = [
    '[request_definition]',
    'r = sub, obj, act',
    '[policy_definition]',
    'p = sub, obj, act',
    '[policy_effect]',
    'e = some(where (p.eft == allow))',
    '[matchers]',
    'm = r.sub == p.sub && r.obj == p.obj && r.act == p.act',
  ];
  return { [modelFile]: model.join('\n'), [policyFile]: acl.map((line) => `p, ${line}\n`).join('') };
}

const modelFile = 'access-model.conf';
const policyFile = 'access-policy.csv';

function security(options: LiftbridgeOptions, place: LiftbridgePlace): Record<string, Value> {
  const { certificates, folder } = place;
  if (!certificates) {
    return {};
  }
  const { serverKey, serverCert, ca } = certificates;
  return {
    'tls.key': serverKey,
    'tls.cert': serverCert,
    ...(wantsClientCertificate(options) ? { 'tls.client.auth.enabled': true, 'tls.client.auth.ca': ca } : {}),
    ...(options.acl
      ? {
          'tls.client.authz.enabled': true,
          'tls.client.authz.model': join(folder, modelFile),
          'tls.client.authz.policy': join(folder, policyFile),
        }
      : {}),
  };
}

function duration(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : `${milliseconds}ms`;
}

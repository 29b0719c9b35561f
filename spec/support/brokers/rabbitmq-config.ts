import type { RabbitMqOptions } from './rabbitmq-server.js';

/** Where the parts of a node listen, and as whom it presents itself to stream clients. */
export interface RabbitMqListeners {
  /** The address to bind. */
  readonly bind: string;
  /** The host that stream clients are told to connect to. */
  readonly advertisedHost: string;
  readonly port: number;
  readonly tlsPort: number | undefined;
  readonly amqpPort: number;
  readonly managementPort: number;
}

/** The user that a new node has: an administrator. */
export const guest = { username: 'guest', password: 'guest', vhost: '/' } as const;

/** Whether the server is to have a listener with TLS. */
export function wantsTls(options: RabbitMqOptions): boolean {
  return Boolean(options.tls) || options.external === true;
}

/** The text of `enabled_plugins`. */
export function rabbitMqPlugins(options: RabbitMqOptions): string {
  const plugins = ['rabbitmq_management', 'rabbitmq_stream', 'rabbitmq_stream_management'];
  if (options.external) {
    plugins.push('rabbitmq_auth_mechanism_ssl');
  }
  return `[${plugins.join(',')}].\n`;
}

/** The text of `rabbitmq.conf`. The certificates are looked for in the folder `certificates`. */
export function rabbitMqConfig(options: RabbitMqOptions, listeners: RabbitMqListeners, certificates: string): string {
  const { bind, advertisedHost, port, tlsPort, amqpPort, managementPort } = listeners;
  const lines = [
    `listeners.tcp.1 = ${bind}:${amqpPort}`,
    `management.tcp.ip = ${bind}`,
    `management.tcp.port = ${managementPort}`,
    `stream.listeners.tcp.1 = ${bind}:${port}`,
    `stream.advertised_host = ${advertisedHost}`,
    `stream.advertised_port = ${port}`,
    // A connection is listed when the finest of these intervals has passed.
    'collect_statistics_interval = 1000',
    ...['basic', 'detailed', 'global'].map((kind) => `management.sample_retention_policies.${kind}.minute = 1`),
    // What a build machine has free is no reason to block publishers.
    'disk_free_limit.absolute = 50MB',
    'vm_memory_high_watermark.absolute = 2GB',
    // What reaches a container comes from the bridge.
    'loopback_users = none',
  ];
  if (tlsPort !== undefined) {
    const verify = typeof options.tls === 'object' && options.tls.verify === true;
    lines.push(
      `stream.listeners.ssl.1 = ${bind}:${tlsPort}`,
      `stream.advertised_tls_host = ${advertisedHost}`,
      `stream.advertised_tls_port = ${tlsPort}`,
      `ssl_options.cacertfile = ${certificates}/ca.pem`,
      `ssl_options.certfile = ${certificates}/server.pem`,
      `ssl_options.keyfile = ${certificates}/server-key.pem`,
      // A certificate that is presented must be good in any case where it can log somebody in.
      `ssl_options.verify = ${verify || options.external ? 'verify_peer' : 'verify_none'}`,
      `ssl_options.fail_if_no_peer_cert = ${verify}`,
    );
  }
  if (options.external) {
    const mechanisms = ['PLAIN', 'AMQPLAIN', 'ANONYMOUS', 'EXTERNAL'];
    lines.push(
      'ssl_cert_login_from = common_name',
      ...mechanisms.map((name, index) => `auth_mechanisms.${index + 1} = ${name}`),
    );
  }
  lines.push(options.config ?? '');
  return `${lines.join('\n')}\n`;
}

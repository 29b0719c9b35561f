import type { Certificates } from '../certificates.js';

/** Who may connect: one user, whoever knows a token, or whoever holds the seed of a public nkey. */
export type NatsAuth =
  { readonly user: string; readonly password: string } | { readonly token: string } | { readonly nkey: string };

/** The NATS side of a server's configuration. */
export interface NatsSide {
  readonly host: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly websocketPort?: number | undefined;
  readonly auth?: NatsAuth | undefined;
  readonly tls?: { readonly certificates: Certificates; readonly verify: boolean } | undefined;
  /** The public nkey of the streaming server's own link, where `auth` has an nkey. */
  readonly ownNkey?: string | undefined;
  /** Raw lines, appended last. */
  readonly config?: string | undefined;
}

/** The text of the NATS side: listeners, TLS, users. */
export function natsConfig(side: NatsSide): string {
  const lines = [`listen: "${side.host}:${side.port}"`, `http: "${side.host}:${side.monitorPort}"`];
  const { tls, auth } = side;
  const certificates = tls?.certificates;
  const files =
    certificates && `cert_file: ${quote(certificates.serverCert)}, key_file: ${quote(certificates.serverKey)}`;
  if (tls && certificates) {
    lines.push(`tls { ${files}, ca_file: ${quote(certificates.ca)}, verify: ${tls.verify}, timeout: 5 }`);
  }
  if (side.websocketPort !== undefined) {
    const security = files ? `tls { ${files} }` : 'no_tls: true';
    lines.push(`websocket { listen: "${side.host}:${side.websocketPort}", ${security} }`);
  }
  if (auth && 'user' in auth) {
    lines.push(`authorization { users: [ { user: ${quote(auth.user)}, password: ${quote(auth.password)} } ] }`);
  } else if (auth && 'token' in auth) {
    lines.push(`authorization { token: ${quote(auth.token)} }`);
  } else if (auth) {
    const keys = [auth.nkey, side.ownNkey].filter((key) => key !== undefined);
    lines.push(`authorization { users: [ ${keys.map((key) => `{ nkey: ${key} }`).join(', ')} ] }`);
  }
  if (side.config) {
    lines.push(side.config);
  }
  return `${lines.join('\n')}\n`;
}

/** A string of the configuration language. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

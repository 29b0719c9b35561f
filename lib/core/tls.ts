import { either, flag, func, instance, list, object, oneOf, secret, text, type Shape } from './check.js';

/** A certificate, key or list of authorities: the text of a PEM file, or bytes (PEM or DER). */
export type TlsMaterial = string | Uint8Array;

/**
 * How the TLS of a connection is set up. With `{}` the server's certificate is checked against the authorities that Node
 * trusts, and against the host name.
 */
export interface TlsOptions {
  /** The authorities to trust instead of Node's own. */
  readonly ca?: TlsMaterial | readonly TlsMaterial[] | undefined;
  /** This client's certificate, followed by its intermediates if there are any. Needs `key`. */
  readonly cert?: TlsMaterial | readonly TlsMaterial[] | undefined;
  /** The private key of `cert`. Never printed. */
  readonly key?: TlsMaterial | readonly TlsMaterial[] | undefined;
  /** Certificate and private key in one PKCS#12 archive, instead of `cert` and `key`. Never printed. */
  readonly pfx?: TlsMaterial | undefined;
  /** What `key` or `pfx` is encrypted with. Never printed. */
  readonly passphrase?: string | undefined;
  /**
   * The name to ask for (SNI) and to check the server's certificate against.
   * @defaultValue the host that is connected to
   */
  readonly servername?: string | undefined;
  /**
   * Whether a certificate that cannot be verified ends the connection. With false anybody can pose as the server.
   * @defaultValue true
   */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Checks that the certificate (as Node's `tls` gives it) is that of the host, instead of Node's own check. Returns the error, or undefined. */
  readonly checkServerIdentity?: ((hostname: string, certificate: object) => Error | undefined) | undefined;
  /** The oldest version of TLS to accept. Node's default where absent. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
}

const hidden = (): ReturnType<typeof text> => text({ secret: true });
const material = secret(either(hidden(), instance(isBytes, 'bytes')));
const materials = secret(either(material, list(material)));

const tlsShape: Shape<TlsOptions> = {
  ca: materials,
  cert: materials,
  key: materials,
  pfx: material,
  passphrase: text({ secret: true, empty: true }),
  servername: text(),
  rejectUnauthorized: flag(),
  checkServerIdentity: func(),
  minVersion: oneOf('TLSv1.2', 'TLSv1.3'),
};

/** Whether to use TLS, or how. @internal */
export const tlsChecker = either(flag(), object(tlsShape));

/**
 * What Node's `tls.connect` takes, of these options and no others.
 * @param servername - where they have none; undefined for an address, which is no name
 * @internal
 */
export function nodeTlsOptions(tls: TlsOptions, servername: string | undefined): object {
  const given: TlsOptions = { ...tls, servername: tls.servername ?? servername };
  const names = Object.keys(tlsShape) as (keyof TlsOptions)[];
  // Node takes an undefined checkServerIdentity for a function
  return Object.fromEntries(names.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])));
}

function isBytes(value: unknown): boolean {
  return value instanceof Uint8Array;
}

/**
 * The code of an error of Node's, if it has one. OpenSSL 3.2 has renamed the alerts that are as old as SSL 3; they are given by
 * their first names, whatever Node is linked with.
 * @internal
 */
export function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && code !== '' ? code.replace('SSL/TLS_ALERT', 'SSLV3_ALERT') : undefined;
}

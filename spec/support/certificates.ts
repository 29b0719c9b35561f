import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.js';
import { temporaryFolder } from './guard.js';

/** A throw-away authority, with a certificate for a server on this machine and one for a client. Paths of PEM files, and their text. */
export interface Certificates {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
  readonly pem: {
    readonly ca: string;
    readonly clientCert: string;
    readonly clientKey: string;
  };
}

const install = 'Install openssl (Debian, Ubuntu: apt-get install openssl) so that the specs can make certificates.';

/**
 * Makes certificates in `folder`, valid for a day. The server's is for localhost, 127.0.0.1 and ::1; the client's
 * common name is `clientName`.
 */
export async function makeCertificates(folder: string, clientName = 'client'): Promise<Certificates> {
  const openssl = (...args: string[]): Promise<string> => command('openssl', args, { cwd: folder, install });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const extensions = {
    'server.ext': 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth,clientAuth\n',
    'client.ext': 'extendedKeyUsage=clientAuth\n',
  };
  for (const [name, text] of Object.entries(extensions)) {
    await writeFile(join(folder, name), text);
  }
  const authority = ['-x509', '-days', '1', '-subj', '/CN=rx-weir specs', '-keyout', 'ca-key.pem', '-out', 'ca.pem'];
  await openssl('req', ...key, ...authority);
  for (const [name, subject] of [
    ['server', 'localhost'],
    ['client', clientName],
  ]) {
    await openssl('req', ...key, '-subj', `/CN=${subject}`, '-keyout', `${name}-key.pem`, '-out', `${name}.csr`);
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-days', '1'];
    await openssl('x509', '-req', '-in', `${name}.csr`, ...signing, '-extfile', `${name}.ext`, '-out', `${name}.pem`);
  }
  const path = (name: string): string => join(folder, name);
  const [ca, clientCert, clientKey] = await Promise.all(
    ['ca.pem', 'client.pem', 'client-key.pem'].map((name) => readFile(path(name), 'utf8')),
  );
  return {
    ca: path('ca.pem'),
    serverCert: path('server.pem'),
    serverKey: path('server-key.pem'),
    clientCert: path('client.pem'),
    clientKey: path('client-key.pem'),
    pem: { ca: ca ?? '', clientCert: clientCert ?? '', clientKey: clientKey ?? '' },
  };
}

let shared: Promise<Certificates> | undefined;

/** Certificates for whoever needs some of their own making no more than once a run. */
export function sharedCertificates(): Promise<Certificates> {
  shared ??= temporaryFolder().then((folder) => makeCertificates(folder));
  return shared;
}

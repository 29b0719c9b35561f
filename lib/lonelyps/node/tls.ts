import { createSecureContext } from 'node:tls';
import { badMaterial } from '../../core/socket-failures.js';
import { nodeTlsOptions, type TlsOptions } from '../../core/tls.js';

/**
 * What undici and ws pass on to Node's `tls.connect`. Both find the server's name themselves.
 * @throws InvalidOptionError where Node cannot use the certificates or keys, before anything connects
 * @internal
 */
export function tlsOfNode(tls: TlsOptions | undefined): object {
  if (tls === undefined) return {};
  const options = nodeTlsOptions(tls, undefined);
  try {
    createSecureContext(options);
  } catch (error) {
    throw badMaterial(error, 'lonelyps');
  }
  return options;
}

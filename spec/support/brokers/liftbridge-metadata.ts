import { connect, type IncomingHttpHeaders } from 'node:http2';
import { until } from '../wait.js';
import type { BrokerServer } from './broker-server.js';

/** Waits until the node itself has heard of a stream, which may be after its leader has: a node is told by another. */
export function untilKnown(node: BrokerServer, stream: string): Promise<true> {
  // A node asks the others before it answers, and waits 3 s for one that is gone or not yet there. The latter is worth
  // another try, the former is worth the wait.
  let patience = 250;
  const look = async (): Promise<boolean> => {
    patience = Math.min(patience * 2, 4_000);
    return (await fetchMetadata(node, patience)).includes(stream);
  };
  const message = (): string => `${node.url} to know ${stream}. Its log:\n${node.log().slice(-8_000)}\n`;
  return until(look, { timeout: 20_000, every: 50, message });
}

/**
 * What a node answers to FetchMetadata, undecoded. The names of all streams are in there as they are.
 *
 * @throws Error when nothing comes within `timeout` ms, the connection fails, or the node refuses.
 */
export function fetchMetadata({ url, certificates }: BrokerServer, timeout: number): Promise<Buffer> {
  const { ca, clientCert: cert, clientKey: key } = certificates?.pem ?? {};
  const session = certificates ? connect(`https://${url}`, { ca, cert, key }) : connect(`http://${url}`);
  const answer = new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    // An answer without a message has its status among the headers.
    let end: IncomingHttpHeaders & Record<string, unknown> = {};
    const call = session.request({
      ':method': 'POST',
      ':path': '/proto.API/FetchMetadata',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    session.once('error', reject);
    call.once('error', reject);
    call.setTimeout(timeout, () => reject(new Error(`${url} did not answer within ${timeout} ms.`)));
    call.once('response', (headers) => (end = headers));
    call.once('trailers', (trailers) => (end = trailers));
    call.on('data', (chunk: Buffer) => chunks.push(chunk));
    call.once('close', () => {
      if (end['grpc-status'] === '0') {
        resolve(Buffer.concat(chunks));
      } else {
        reject(new Error(`${url} answered with status ${String(end['grpc-status'])}: ${String(end['grpc-message'])}`));
      }
    });
    // one message without compression and without content: all streams
    call.end(Buffer.alloc(5));
  });
  return answer.finally(() => session.destroy());
}

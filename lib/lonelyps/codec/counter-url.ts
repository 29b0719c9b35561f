/**
 * The URL under which a message on a websocket is signed.
 * @param nonce64 - base64 of the connection's nonce: the SHA-256 of both nonces
 * @param counter - the sender's: ours goes down from -1, the broadcaster's goes up from 1
 * @internal
 */
export function counterUrl(nonce64: string, counter: number): string {
  return `websocket:${nonce64}:${counter.toString(16)}`;
}

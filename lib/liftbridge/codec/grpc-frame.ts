/** What each message of a gRPC stream has before it: whether it is compressed, and its length. */
export const grpcHead = 5;

/** Writes the head of a message that is not compressed. */
export function writeGrpcHead(out: Uint8Array, at: number, length: number): void {
  out[at] = 0;
  out[at + 1] = length >>> 24;
  out[at + 2] = length >>> 16;
  out[at + 3] = length >>> 8;
  out[at + 4] = length;
}

/** A message as it is sent on a gRPC stream. */
export function grpcFrame(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(grpcHead + message.length);
  writeGrpcHead(framed, 0, message.length);
  framed.set(message, grpcHead);
  return framed;
}

const slabBytes = 65_536;
/** What is larger than this gets a buffer of its own, as it would leave too much of a slab unused. */
const sharedBytes = 4096;

let slab: ArrayBuffer | undefined;
let used = 0;

/**
 * Bytes to write a frame into: a part of a shared buffer that is handed out once and never again. An `ArrayBuffer` for
 * each frame would cost several times what encoding the frame does.
 */
export function takeBytes(size: number): Uint8Array {
  if (size > sharedBytes) return new Uint8Array(size);
  if (slab === undefined || used + size > slabBytes) {
    slab = new ArrayBuffer(slabBytes);
    used = 0;
  }
  const bytes = new Uint8Array(slab, used, size);
  used += size;
  return bytes;
}

const magic = 0xfd2fb528;

/**
 * How many bytes the header of a zstd frame states that it holds; undefined where it states nothing, which is as good.
 * Decoders trust this number enough to allocate as much, so it is looked at before they see it.
 * @throws Error where no frame starts there
 * @internal
 */
export function statedContent(frame: Uint8Array): number | undefined {
  if (frame.length < 6 || numberAt(frame, 0, 4) !== magic) throw new Error('no zstd frame starts here');
  const descriptor = frame[4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
  if (sizeBytes === 0) return undefined;
  const pos = 5 + (singleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  if (frame.length < pos + sizeBytes) throw new Error('the zstd frame is cut off');
  return numberAt(frame, pos, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
}

function numberAt(bytes: Uint8Array, pos: number, length: number): number {
  let value = 0;
  for (let at = length - 1; at >= 0; at--) value = value * 256 + bytes[pos + at]!;
  return value;
}

const magic = 0xfd2fb528;
/** Sixteen magic numbers, from 0x184d2a50 on, start a frame that is for somebody else. */
const skippableMagic = 0x184d2a5;

/** What a block inflates to at most. */
const maxBlock = 128 * 1024;

/** What every decoder should take, says the format; a larger one only where the content has that many bytes too. */
const maxWindow = 8 * 1024 * 1024;

/** A frame, found by its headers alone. @internal */
export interface ZstdFrame {
  /** Where the next one starts. */
  readonly end: number;
  /** Whether it has no content, only bytes for somebody else. */
  readonly skip: boolean;
  /** What it states to inflate to, or else the most that its blocks can come to. */
  readonly most: number;
}

/**
 * Finds the end of the frame that starts at `start`. A decoder trusts the sizes in a header enough to allocate them, so
 * they are checked before it sees them: the content against `left`, the window too.
 * @internal
 */
export function zstdFrame(bytes: Uint8Array, start: number, left: number): ZstdFrame {
  const kind = uintAt(bytes, start, 4);
  if (kind === magic) return readFrame(bytes, start, left);
  if (kind >>> 4 !== skippableMagic) throw new Error(`no frame starts at byte ${String(start)}`);
  const end = start + 8 + uintAt(bytes, start + 4, 4);
  if (end > bytes.length) cutOff();
  return { end, skip: true, most: 0 };
}

function readFrame(bytes: Uint8Array, start: number, left: number): ZstdFrame {
  const descriptor = uintAt(bytes, start + 4, 1);
  if ((descriptor & 0x08) !== 0) throw new Error(`the frame at byte ${String(start)} is of a version not known here`);
  const singleSegment = (descriptor & 0x20) !== 0;
  let pos = start + 5;
  let window = 0;
  if (!singleSegment) {
    const byte = uintAt(bytes, pos++, 1);
    const base = 2 ** (10 + (byte >>> 3));
    window = base + (base / 8) * (byte & 7);
  }
  const idBytes = [0, 1, 2, 4][descriptor & 3]!;
  if (uintAt(bytes, pos, idBytes) !== 0) throw new Error(`the frame at byte ${String(start)} needs a dictionary`);
  pos += idBytes;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
  const content = sizeBytes === 0 ? undefined : uintAt(bytes, pos, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  pos += sizeBytes;
  if (content !== undefined && content > left) throw new Error(`a frame states ${String(content)} bytes of content`);
  if (content === undefined && window > Math.max(maxWindow, left)) {
    throw new Error(`a frame wants a window of ${String(window)} bytes`);
  }

  let most = 0;
  for (let last = false; !last;) {
    const header = uintAt(bytes, pos, 3);
    pos += 3;
    last = (header & 1) === 1;
    const kind = (header >>> 1) & 3;
    const length = header >>> 3;
    if (kind === 3 || length > maxBlock) throw new Error(`the block before byte ${String(pos)} is of no known kind`);
    // 0 raw, 1 one byte repeated, 2 compressed
    pos += kind === 1 ? 1 : length;
    most += kind === 2 ? maxBlock : length;
  }
  if ((descriptor & 0x04) !== 0) pos += 4;
  if (pos > bytes.length) cutOff();
  return { end: pos, skip: false, most: content ?? Math.min(most, left) };
}

function uintAt(bytes: Uint8Array, pos: number, length: number): number {
  if (pos + length > bytes.length) cutOff();
  let value = 0;
  for (let at = length - 1; at >= 0; at--) value = value * 256 + bytes[pos + at]!;
  return value;
}

function cutOff(): never {
  throw new Error('a frame is cut off');
}

import { ProtocolError } from '../../core/errors.js';

/** How the records of a sub-entry batch are compressed. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** The most bytes that a sub-entry may inflate to: 64 MiB, the broker's own limit from 4.3 on. */
export const maxInflated = 64 * 1024 * 1024;

/** Makes the data of a sub-entry batch out of its records, and the other way round. @internal */
export interface Compressor {
  readonly name: Compression;
  /** The three bits that name it on the wire, 0 to 4. */
  readonly code: number;
  compress(bytes: Uint8Array): Uint8Array;
  /**
   * Inflates to `size` bytes, the size that the sub-entry states. The result may share memory with `bytes`.
   * @throws ProtocolError when the bytes are malformed, `size` is above {@link maxInflated}, or there are more or fewer
   * bytes in them; inflating stops at `size`, whatever the bytes hold
   */
  decompress(bytes: Uint8Array, size: number): Uint8Array;
}

/** What one compression does; the checks that all have in common are {@link makeCompressor}'s. @internal */
export interface Transform {
  /** How many bytes one byte can come to at most: a stated size beyond that is refused before memory is taken for it. */
  readonly bestRatio: number;
  compress(bytes: Uint8Array): Uint8Array;
  /** Makes no more than `size` bytes of it, and throws anything where it can't. */
  inflate(bytes: Uint8Array, size: number): Uint8Array;
}

/** @internal */
export function makeCompressor(name: Compression, code: number, transform: Transform): Compressor {
  return {
    name,
    code,
    compress: (bytes) => transform.compress(bytes),
    decompress(bytes, size) {
      if (size > maxInflated) throw undecodable(name, bytes, size, `at most ${String(maxInflated)} are accepted`);
      if (size > bytes.length * transform.bestRatio) {
        throw undecodable(name, bytes, size, 'so few cannot come to that many');
      }
      let inflated;
      try {
        inflated = transform.inflate(bytes, size);
      } catch (error) {
        throw undecodable(name, bytes, size, error instanceof Error ? error.message : String(error), error);
      }
      if (inflated.length === size) return inflated;
      throw undecodable(name, bytes, size, `they inflate to ${String(inflated.length)}`);
    },
  };
}

function undecodable(name: Compression, bytes: Uint8Array, size: number, problem: string, cause?: unknown) {
  return new ProtocolError(
    `cannot read a sub-entry, ${String(bytes.length)} bytes (${name}) that state to be ${String(size)} inflated: ${problem}. ` +
      'The broker stores what it is given: check the program that published it, or start behind it',
    { broker: 'rabbitmq-stream', cause, detail: { compression: name, bytes: bytes.length, size } },
  );
}

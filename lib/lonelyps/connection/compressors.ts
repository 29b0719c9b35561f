import { ProtocolError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { Zstd } from '../platform.js';
import type { ResolvedCompression } from './parts.js';

const broker = 'lonelyps';

/** The first number of those that the broadcaster gives to dictionaries it has trained. */
const firstCustom = 0x1_0000;
/** So many of these stay valid: the newest ones. */
const customs = 2;
/** Plain zstd, without a dictionary. */
const plain = 1;

// the level is the broadcaster's wish; what is above costs more time than bytes, and the time is ours
const lowestLevel = -7;
const highestLevel = 12;

/** How the broadcaster wants a compressor to be used. @internal */
export interface CompressorHints {
  readonly level: number;
  /** Bytes: what is smaller goes uncompressed. */
  readonly minSize: number;
  /** Bytes: what is as large, or larger, goes uncompressed. */
  readonly maxSize: bigint;
}

interface Compressor extends CompressorHints {
  readonly id: number;
  readonly dictionary: Uint8Array | undefined;
}

/** A body as it is sent. @internal */
export interface Compressed {
  readonly compressor: number;
  readonly bytes: Uint8Array;
}

/**
 * Undoes a compression.
 * @param length - of the result
 * @throws ProtocolError where the frame is no zstd, or gives more or fewer bytes
 * @internal
 */
export type Decompress = (frame: Uint8Array, length: number) => Uint8Array;

/** The compressors that the broadcaster has enabled on one connection. @internal */
export class Compressors {
  /** The newest last. */
  private readonly enabled: Compressor[] = [];

  /** @param zstd - undefined: none was offered */
  constructor(
    private readonly zstd: Zstd | undefined,
    private readonly options: ResolvedCompression | undefined,
    private readonly log: Logger,
  ) {}

  /** Plain zstd, or a dictionary that both sides have. */
  enablePreset(id: number, hints: CompressorHints): void {
    this.expectOffered();
    if (id < plain || id >= firstCustom) throw wrong(`enabled a preset compressor with the number ${id}`);
    const dictionary = this.options?.dictionaries.get(id);
    if (id !== plain && !dictionary) {
      this.log.warn(
        `lonelyps: the broadcaster enabled the zstd dictionary ${id}, which compression.dictionaries does not have; what it compresses with it cannot be read`,
      );
      return;
    }
    this.add({ ...hints, id, dictionary });
  }

  /** A dictionary that came with the message. */
  enableCustom(id: number, hints: CompressorHints, dictionary: Uint8Array): void {
    this.expectOffered();
    if (id < firstCustom) throw wrong(`sent a dictionary with the number ${id}, which is not one of its own`);
    this.add({ ...hints, id, dictionary });
    const own = this.enabled.filter((one) => one.id >= firstCustom);
    if (own.length > customs) this.remove(own[0]!.id);
  }

  /** One of those that were enabled by {@link enableCustom}; no harm is done where it is gone already. */
  disableCustom(id: number): void {
    this.expectOffered();
    if (id < firstCustom) throw wrong(`disabled the compressor ${id}, which is not one of its own`);
    this.remove(id);
  }

  /** Whether a body of so many bytes is worth an attempt. */
  takes(length: number): boolean {
    return this.fitting(length) !== undefined;
  }

  /** Undefined where the bytes are to go as they are: no compressor is meant for so many, or they do not get fewer. */
  compress(bytes: Uint8Array): Compressed | undefined {
    const found = this.fitting(bytes.length);
    if (!found || !this.zstd) return undefined;
    const level = Math.min(highestLevel, Math.max(lowestLevel, found.level));
    try {
      const compressed = this.zstd.compress(bytes, level, found.dictionary);
      return compressed.length < bytes.length ? { compressor: found.id, bytes: compressed } : undefined;
    } catch (error) {
      this.log.warn(`lonelyps: zstd could not compress ${bytes.length} bytes, which go uncompressed`, error);
      return undefined;
    }
  }

  /** @throws ProtocolError where a compressor was not enabled here */
  decompressor(id: number): Decompress {
    const { zstd } = this;
    const found = this.enabled.find((one) => one.id === id);
    if (!found || !zstd) throw wrong(`compressed with ${id}, which is not enabled here`);
    return (frame, length) => {
      try {
        return zstd.decompress(frame, length, found.dictionary);
      } catch (cause) {
        throw wrong(`sent ${frame.length} bytes that are no zstd frame of ${length}`, cause);
      }
    };
  }

  private fitting(length: number): Compressor | undefined {
    return this.enabled.findLast(({ minSize, maxSize }) => length >= minSize && length < maxSize);
  }

  private add(compressor: Compressor): void {
    this.remove(compressor.id);
    this.enabled.push(compressor);
  }

  private remove(id: number): void {
    const at = this.enabled.findIndex((one) => one.id === id);
    if (at >= 0) this.enabled.splice(at, 1);
  }

  private expectOffered(): void {
    if (!this.zstd) throw wrong('said something about zstd, which was not offered');
  }
}

function wrong(what: string, cause?: unknown): ProtocolError {
  return new ProtocolError(`The broadcaster ${what}.`, { broker, cause });
}

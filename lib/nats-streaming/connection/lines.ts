import { encodeText } from '../../core/wire/text.js';
import type { NatsConnectionLike } from './nats-connection.js';

/** What the NATS clients have inside, in the versions that {@link linesOf} knows. */
interface ProtocolLike {
  outMsgs: number;
  outBytes: number;
  readonly transport: { readonly version: string; readonly lang: string };
  sendCommand(bytes: Uint8Array): void;
}

const slabBytes = 65_536;
/** What is larger goes the public way, where the copy that is saved here would cost more than the text. */
const maxData = 8_192;
/** The digits of a length, and the two line ends. */
const extraBytes = 10;
const maxHeads = 256;
/** Microtasks without another line, after which what was written goes out: an async iterator takes three for a value. */
const quietSteps = 8;
/** Lines that wait for no more company. */
const enough = 128;
const cr = 13;
const lf = 10;
const zero = 48;

/**
 * Writes many PUB lines as one buffer a turn. The clients' own `publish` makes a text of each line and encodes it, which is
 * most of what a small message costs.
 * @internal
 */
export class Lines {
  private readonly heads = new Map<string, Uint8Array>();
  private lastSubject = '';
  private lastReply: string | undefined;
  private lastHead: Uint8Array = new Uint8Array(0);
  private slab = new Uint8Array(slabBytes);
  /** What stands in the slab from here to `end` is not handed over yet; what is before it belongs to the client. */
  private start = 0;
  private end = 0;
  private waiting = 0;
  private quiet = 0;
  private stepping = false;

  constructor(
    private readonly nc: NatsConnectionLike,
    private readonly protocol: ProtocolLike,
  ) {}

  /** Returns whether it was taken. If not, it is for `publish`: what was taken before has been handed over then. */
  write(subject: string, data: Uint8Array, reply: string | undefined): boolean {
    const { length } = data;
    if (length > maxData || this.nc.isClosed() || this.nc.isDraining()) {
      this.flush();
      return false;
    }
    const head = subject === this.lastSubject && reply === this.lastReply ? this.lastHead : this.headOf(subject, reply);
    if (this.end + head.length + length + extraBytes > slabBytes) this.renew();
    const { slab } = this;
    this.quiet = 0;
    this.waiting++;
    if (!this.stepping) {
      this.stepping = true;
      queueMicrotask(this.step);
    }
    slab.set(head, this.end);
    let at = writeLength(slab, this.end + head.length, length);
    slab[at++] = cr;
    slab[at++] = lf;
    slab.set(data, at);
    at += length;
    slab[at++] = cr;
    slab[at++] = lf;
    this.end = at;
    this.protocol.outMsgs++;
    this.protocol.outBytes += length;
    return true;
  }

  /** A microtask that nothing was written in brings what waits nearer to its way. */
  private readonly step = (): void => {
    if (++this.quiet >= quietSteps || this.waiting >= enough) this.flush();
    this.stepping = this.end !== this.start;
    if (this.stepping) queueMicrotask(this.step);
  };

  /** Hands over what was written, in front of whatever the client is told next. */
  flush(): void {
    if (this.end === this.start) return;
    const lines = this.slab.subarray(this.start, this.end);
    this.start = this.end;
    this.waiting = 0;
    // the websocket transport sends the whole buffer that a view is of
    this.protocol.sendCommand(this.protocol.transport.lang === 'nats.js' ? lines : lines.slice());
  }

  /** The client keeps what it was handed until it has written it, so that a slab is never used twice. */
  private renew(): void {
    this.flush();
    this.slab = new Uint8Array(slabBytes);
    this.start = 0;
    this.end = 0;
  }

  private headOf(subject: string, reply: string | undefined): Uint8Array {
    const text = reply === undefined ? `PUB ${subject} ` : `PUB ${subject} ${reply} `;
    let head = this.heads.get(text);
    if (head === undefined) {
      if (this.heads.size >= maxHeads) this.heads.clear();
      head = encodeText(text);
      this.heads.set(text, head);
    }
    this.lastSubject = subject;
    this.lastReply = reply;
    this.lastHead = head;
    return head;
  }
}

/** Writes the digits of a length below 10 000. Returns where they end. */
function writeLength(out: Uint8Array, at: number, length: number): number {
  if (length >= 1_000) out[at++] = zero + ((length / 1_000) | 0);
  if (length >= 100) out[at++] = zero + (((length / 100) | 0) % 10);
  if (length >= 10) out[at++] = zero + (((length / 10) | 0) % 10);
  out[at++] = zero + (length % 10);
  return at;
}

/**
 * The way past the client's `publish`, where it is known: `nats` v2, which does not change any more, and the versions of v3
 * that the specs ran with. Any other version is used by its public face alone, and so is every borrowed connection: its
 * owner may have wrapped it.
 * @internal
 */
export function linesOf(nc: NatsConnectionLike): Lines | undefined {
  const { protocol } = nc as { readonly protocol?: Partial<ProtocolLike> };
  if (typeof protocol?.sendCommand !== 'function') return undefined;
  if (typeof protocol.outMsgs !== 'number' || typeof protocol.outBytes !== 'number') return undefined;
  const version = protocol.transport?.version;
  if (typeof version !== 'string' || !/^(2\.|3\.[0-4]\.)/.test(version)) return undefined;
  return new Lines(nc, protocol as ProtocolLike);
}

/** What a NATS client sends. */
export type ClientFrame =
  | { readonly kind: 'connect'; readonly options: Readonly<Record<string, unknown>> }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  | { readonly kind: 'sub'; readonly subject: string; readonly queue: string | undefined; readonly sid: string }
  | { readonly kind: 'unsub'; readonly sid: string; readonly max: number | undefined }
  | {
      readonly kind: 'pub';
      readonly subject: string;
      readonly reply: string | undefined;
      /** The header block as it came, with its closing empty line. */
      readonly headers: Uint8Array | undefined;
      readonly data: Uint8Array;
    };

const lineEnd = Buffer.from('\r\n');

/** Cuts the bytes of one client into frames, however they are chunked. Each frame owns its bytes. */
export class ClientParser {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws Error on what is no client frame. */
  push(chunk: Uint8Array): ClientFrame[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames: ClientFrame[] = [];
    for (;;) {
      const end = this.#rest.indexOf(lineEnd);
      if (end < 0) {
        return frames;
      }
      const line = this.#rest.toString('latin1', 0, end);
      const [verb = '', ...words] = line.split(/[ \t]+/);
      const name = verb.toUpperCase();
      const body = end + lineEnd.length;
      if (name === 'PUB' || name === 'HPUB') {
        const sizes = name === 'HPUB' ? words.slice(-2).map(Number) : [0, Number(words.at(-1))];
        const [headerSize = NaN, size = NaN] = sizes;
        if (!(size >= headerSize)) {
          throw new Error(`The fake NATS server read a bad size: ${line}`);
        }
        if (this.#rest.length < body + size + lineEnd.length) {
          return frames;
        }
        const [subject = '', reply] = words.slice(0, name === 'HPUB' ? -2 : -1);
        const payload = new Uint8Array(this.#rest.subarray(body, body + size));
        const headers = name === 'HPUB' ? payload.subarray(0, headerSize) : undefined;
        frames.push({ kind: 'pub', subject, reply, headers, data: payload.subarray(headerSize) });
        this.#rest = this.#rest.subarray(body + size + lineEnd.length);
        continue;
      }
      frames.push(simpleFrame(name, words, line));
      this.#rest = this.#rest.subarray(body);
    }
  }
}

function simpleFrame(name: string, words: readonly string[], line: string): ClientFrame {
  switch (name) {
    case 'CONNECT':
      return { kind: 'connect', options: JSON.parse(line.slice('CONNECT '.length)) as Record<string, unknown> };
    case 'PING':
      return { kind: 'ping' };
    case 'PONG':
      return { kind: 'pong' };
    case 'SUB': {
      const sid = words.at(-1) ?? '';
      return { kind: 'sub', subject: words[0] ?? '', queue: words.length > 2 ? words[1] : undefined, sid };
    }
    case 'UNSUB':
      return { kind: 'unsub', sid: words[0] ?? '', max: words[1] === undefined ? undefined : Number(words[1]) };
    default:
      throw new Error(`The fake NATS server does not know this: ${line}`);
  }
}

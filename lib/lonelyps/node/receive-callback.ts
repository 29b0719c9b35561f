import type { ServerResponse } from 'node:http';
import { signedKinds } from '../auth/auth.js';
import type { Body, BodyWriter } from '../body.js';
import {
  decodeReceiveHead,
  encodeConfirmReceive,
  encodeUnsubscribe,
  receiveHeadLimit,
  type ReceiveHead,
} from '../codec/callbacks.js';
import { sha512OfReprDigest } from '../codec/repr-digest.js';
import { signed } from '../codec/signed.js';
import type { Arrival } from '../connection/http.js';
import { Callback, problemOf, type CallbackHost, type CallbackRequest } from './callback.js';

/** A message that a broadcaster posts. What costs least is checked first, and all but the hash before the message is stored. @internal */
export class ReceiveCallback extends Callback implements Arrival {
  #sha512!: Uint8Array;
  /** The start of the body, as long as the head is not whole. */
  #start: Uint8Array | undefined;
  #head: ReceiveHead | undefined;
  #writer: BodyWriter | undefined;
  #body: Body | undefined;

  constructor(host: CallbackHost, request: CallbackRequest, response: ServerResponse) {
    super(host, request, response, 'RECEIVE');
  }

  get topic(): Uint8Array {
    return this.#head!.topic;
  }

  get body(): Body {
    return this.#body!;
  }

  begin(): void {
    const sha512 = sha512OfReprDigest(this.header('repr-digest'));
    if (sha512 === undefined) return this.turnDown(400, 'it has no SHA-512 in a Repr-Digest header');
    this.#sha512 = sha512;
    this.read(receiveHeadLimit + this.host.options.maxMessageBytes);
  }

  accept(subscribers: number): void {
    if (this.over) return;
    const { identifier } = this.#head!;
    const rest = (): Uint8Array => signed.confirmReceive(identifier, subscribers, this.host.options.urls().receive);
    const authorization = this.host.options.signer().sign(signedKinds.confirmReceive, rest);
    this.answer(encodeConfirmReceive(authorization, identifier, subscribers));
  }

  refuse(): void {
    this.unavailable();
  }

  unwanted(): void {
    this.answer(encodeUnsubscribe());
  }

  protected part(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#writer !== undefined) return this.#writer.write(bytes);
    const start = this.#start === undefined ? bytes : Buffer.concat([this.#start, bytes]);
    const head = this.#decode(start);
    if (head === undefined) {
      this.#start = start;
      return undefined;
    }
    this.#start = undefined;
    if (!this.#check(head)) return undefined;
    this.#head = head;
    this.#writer = this.host.options.startBody(this.host.options.spoolSize);
    return this.#writer.write(start.subarray(head.size));
  }

  protected complete(): void {
    // no part has come where the body is empty
    if (this.#writer === undefined) return this.turnDown(400, 'it ends before its message begins');
    this.#writer.end().then(
      (body) => this.#arrived(body),
      (error: unknown) => this.failed(error),
    );
  }

  protected dropped(): void {
    this.#start = undefined;
    // what has arrived belongs to whoever took it
    if (this.#body === undefined) this.#writer?.discard();
  }

  #decode(start: Uint8Array): ReceiveHead | undefined {
    try {
      return decodeReceiveHead(start, start.length >= this.announced);
    } catch (error) {
      this.turnDown(400, problemOf(error), error);
      return undefined;
    }
  }

  #check(head: ReceiveHead): boolean {
    const { options } = this.host;
    const { maxMessageBytes } = options;
    const missing = head.size + head.length - this.announced;
    if (missing !== 0) {
      const said = missing > 0 ? `is ${String(missing)} bytes too short` : `has ${String(-missing)} bytes too many`;
      this.turnDown(400, `its body ${said} for a message of ${String(head.length)} bytes`);
      return false;
    }
    if (head.length > maxMessageBytes) {
      this.turnDown(
        413,
        `its message has ${String(head.length)} bytes, and may have ${String(maxMessageBytes)} (maxMessageBytes)`,
      );
      return false;
    }
    const rest = (): Uint8Array => signed.receive(options.urls().receive, head.topic, head.identifier, this.#sha512);
    const refusal = options
      .verifier()
      .verify(signedKinds.receive, rest, head.tracing, this.header('authorization') ?? '');
    if (refusal !== undefined) this.turnDownFor(refusal);
    return refusal === undefined;
  }

  #arrived(body: Body): void {
    if (this.over) return body.discard();
    if (Buffer.compare(body.sha512, this.#sha512) !== 0) {
      this.turnDown(403, 'its message is another than its Repr-Digest says');
      return body.discard();
    }
    this.#body = body;
    this.host.arrivals.arrived(this);
  }
}

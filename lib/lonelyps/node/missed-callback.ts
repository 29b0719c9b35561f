import type { ServerResponse } from 'node:http';
import { signedKinds } from '../auth/auth.js';
import { decodeMissedCallback, encodeConfirmMissed, type MissedCallback as Missed } from '../codec/callbacks.js';
import { signed } from '../codec/signed.js';
import { Callback, problemOf, type CallbackHost, type CallbackRequest } from './callback.js';

/** Tracing and topic, each after its length. */
const limit = 2 + 0xffff + 2 + 0xffff;

/** A broadcaster says that a message on a topic was not delivered. @internal */
export class MissedCallback extends Callback {
  readonly #parts: Uint8Array[] = [];

  constructor(host: CallbackHost, request: CallbackRequest, response: ServerResponse) {
    super(host, request, response, 'MISSED');
  }

  begin(): void {
    this.read(limit);
  }

  protected part(bytes: Uint8Array): undefined {
    this.#parts.push(bytes);
  }

  protected complete(): void {
    let missed: Missed;
    try {
      missed = decodeMissedCallback(this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts));
    } catch (error) {
      return this.turnDown(400, problemOf(error), error);
    }
    const { options } = this.host;
    const { tracing, topic } = missed;
    const { recover } = options.urls();
    const rest = (): Uint8Array => signed.missed(recover, topic);
    const refusal = options.verifier().verify(signedKinds.missed, rest, tracing, this.header('authorization') ?? '');
    if (refusal !== undefined) return this.turnDownFor(refusal);

    const authorization = options.signer().sign(signedKinds.confirmMissed, () => signed.confirmMissed(topic, recover));
    this.answer(encodeConfirmMissed(authorization));
    this.host.arrivals.missed(topic);
  }

  protected dropped(): void {
    this.#parts.length = 0;
  }
}

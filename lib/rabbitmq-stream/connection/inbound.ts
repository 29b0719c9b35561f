import { readConfirm, Confirm } from '../codec/confirm.js';
import { chunkStart } from '../codec/deliver.js';
import { frameKey, frameReader, frameVersion, headBytes } from '../codec/head.js';
import { keys, responseBit } from '../codec/keys.js';
import type { Reader } from '../codec/reader.js';
import type { Tune } from '../codec/requests.js';
import {
  readClose,
  readConsumerUpdate,
  readCreditError,
  readMetadataUpdate,
  readPublishError,
  readTune,
} from '../codec/responses.js';
import type { ConnectionEvents } from './connection.js';

/** What the connection itself does with frames, where ConnectionEvents has all that others do. @internal */
export interface InboundHandlers {
  /** An answer. @param key - without the response bit; the reader stands behind the correlation id */
  answer(key: number, correlationId: number, reader: Reader): void;
  tune(tune: Tune): void;
  closeAsked(correlationId: number, code: number, reason: string): void;
  consumerUpdateAsked(correlationId: number, subscriptionId: number, active: boolean): void;
  /** A command that this client does not know, and that waits for no answer of which it knows. */
  unknown(key: number): void;
}

type PushEvents = Pick<ConnectionEvents, 'confirm' | 'publishError' | 'deliver' | 'creditError' | 'metadataUpdate'>;

/**
 * Reads frames and calls whom they concern.
 * @internal
 */
export class Inbound {
  readonly #handlers: InboundHandlers;
  readonly #events: PushEvents;
  readonly #confirm = new Confirm();

  constructor(handlers: InboundHandlers, events: PushEvents) {
    this.#handlers = handlers;
    this.#events = events;
  }

  /**
   * Takes a frame of which no one is told: before the handshake is done, and from the call of `close`.
   * @throws ProtocolError
   */
  frameUntold(bytes: Uint8Array, start: number, end: number): void {
    const key = frameKey(bytes, start);
    if (key === keys.close || key === keys.tune || (key & responseBit && key !== creditResponse)) {
      this.#other(key, bytes, start, end);
    }
  }

  /** @throws ProtocolError */
  frame(bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    const key = frameKey(bytes, start);
    if (key === keys.deliver) {
      const chunk = chunkStart(bytes, start, end);
      this.#events.deliver(bytes[start + headBytes]!, bytes, chunk, end, owned);
    } else if (key === keys.publishConfirm) {
      checkVersion(bytes, start, end);
      const confirm = this.#confirm;
      readConfirm(bytes, start, end, confirm);
      this.#events.confirm(confirm.publisherId, bytes, confirm.start, confirm.count);
    } else {
      this.#other(key, bytes, start, end);
    }
  }

  #other(key: number, bytes: Uint8Array, start: number, end: number): void {
    const handlers = this.#handlers;
    const events = this.#events;
    const reader = frameReader(bytes, start, end);
    switch (key) {
      case keys.heartbeat:
        checkVersion(bytes, start, end);
        return;
      case keys.publishError: {
        checkVersion(bytes, start, end);
        const { publisherId, errors } = readPublishError(reader);
        for (const { id, code } of errors) events.publishError(publisherId, id, code);
        return;
      }
      case keys.metadataUpdate: {
        checkVersion(bytes, start, end);
        const { stream, code } = readMetadataUpdate(reader);
        events.metadataUpdate(stream, code);
        return;
      }
      case creditResponse: {
        checkVersion(bytes, start, end);
        const { subscriptionId, code } = readCreditError(reader);
        events.creditError(subscriptionId, code);
        return;
      }
      case keys.consumerUpdate: {
        checkVersion(bytes, start, end);
        const correlationId = reader.u32();
        const { subscriptionId, active } = readConsumerUpdate(reader);
        handlers.consumerUpdateAsked(correlationId, subscriptionId, active);
        return;
      }
      case keys.close: {
        checkVersion(bytes, start, end);
        const correlationId = reader.u32();
        const { code, reason } = readClose(reader);
        handlers.closeAsked(correlationId, code, reason);
        return;
      }
      case keys.tune:
        checkVersion(bytes, start, end);
        handlers.tune(readTune(reader));
        return;
      default:
        if ((key & responseBit) === 0) {
          handlers.unknown(key);
        } else {
          checkVersion(bytes, start, end);
          handlers.answer(key & ~responseBit, reader.u32(), reader);
        }
    }
  }
}

/** The only response without a correlation id. */
const creditResponse = keys.credit | responseBit;

/** Deliver has two versions, and its own check; all else that a broker sends has one. */
function checkVersion(bytes: Uint8Array, start: number, end: number): void {
  const version = frameVersion(bytes, start);
  if (version !== 1)
    throw frameReader(bytes, start, end).error(`the version ${String(version)} is not known`, start + 2);
}

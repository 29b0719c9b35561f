import { constants } from 'node:http2';
import {
  ClosedError,
  ConnectionError,
  ProtocolError,
  type WeirError,
  type WeirErrorOptions,
} from '../../core/errors.js';
import { inBrackets, messageOf } from '../../core/socket-failures.js';
import { codeOf } from '../../core/tls.js';
import { addressText, type Address } from './address.js';
import { resetName } from './wire-status.js';

const broker = 'liftbridge';

/** A GOAWAY of the broker. @internal */
export interface Goodbye {
  readonly code: number;
  readonly text: string;
  /** The number of the last stream that it has looked at, or may have. */
  readonly last: number;
}

/**
 * Why a channel that was up is gone.
 * @param error - Node's; undefined where the broker closed without one
 * @internal
 */
export function lost(address: Address, error: unknown, goodbye: Goodbye | undefined): WeirError {
  const at = addressText(address);
  const where = `the connection to Liftbridge at ${at}`;
  const code = codeOf(error);
  const options: WeirErrorOptions = { broker, cause: error, detail: { address: at, code } };
  if (goodbye && goodbye.code !== constants.NGHTTP2_NO_ERROR) {
    const name = resetName(goodbye.code);
    const said = goodbye.text === '' ? '' : `: ${goodbye.text}`;
    return new ConnectionError(`${where} was ended by the broker with ${name}${said}`, {
      ...options,
      detail: { address: at, code: name, message: goodbye.text },
    });
  }
  if (code?.startsWith('ERR_HTTP2_')) {
    // the next connection starts afresh
    return new ProtocolError(`${where} was dropped: what came is no HTTP/2 (${messageOf(error)})`, {
      ...options,
      retriable: true,
    });
  }
  if (error !== undefined) {
    return new ConnectionError(`${where} was lost: ${messageOf(error)}${inBrackets(code)}`, options);
  }
  return new ConnectionError(
    goodbye ? `${where} was ended: the broker said goodbye` : `${where} was lost: the broker closed it without a word`,
    options,
  );
}

/** The broker lets calls end and takes no more. @internal */
export function goingAway(address: Address): WeirError {
  const at = addressText(address);
  return new ConnectionError(`the broker at ${at} has said goodbye and takes no more calls`, {
    broker,
    detail: { address: at },
  });
}

/** A health check has had no answer. @internal */
export function dead(address: Address, timeout: number): WeirError {
  const at = addressText(address);
  return new ConnectionError(
    `the connection to Liftbridge at ${at} is dead: a health check had no answer within ${String(timeout)} ms`,
    { broker, detail: { address: at } },
  );
}

/** @internal */
export function closedByUs(address: Address): ClosedError {
  return new ClosedError(`the connection to Liftbridge at ${addressText(address)} is closed`, { broker });
}

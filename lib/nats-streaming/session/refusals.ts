import {
  InUseError,
  InvalidOptionError,
  ProtocolError,
  PublishError,
  StreamUnavailableError,
  type WeirError,
} from '../../core/errors.js';

const broker = 'nats-streaming';

/** The server does not know this session. @internal */
export function refusedAsUnknown(reason: string): boolean {
  return reason === 'stan: unknown clientID';
}

/** The durable has an active subscription, which may be one of ours that the server has not closed yet. @internal */
export function refusedAsDuplicate(reason: string): boolean {
  return reason === 'stan: duplicate durable registration';
}

/** The same request succeeds in a moment. @internal */
export function refusedForNow(reason: string): boolean {
  return reason === 'stan: channel is being deleted';
}

/**
 * The typed error for a subscription that the server refused.
 * @param what - the call, as its maker wrote it
 * @internal
 */
export function refusal(what: string, reason: string): WeirError {
  const options = { broker, detail: { error: reason } } as const;
  if (refusedAsDuplicate(reason)) {
    return new InUseError(
      `${what}: the durable has an active subscription of this client id already: ${reason}`,
      options,
    );
  }
  if (
    /^stan: (invalid (subject|start|ack wait|MaxInflight)|durable name)/.test(reason) ||
    reason.startsWith('rejecting channel')
  ) {
    return new InvalidOptionError(`${what}: the server refused it: ${reason}`, options);
  }
  if (reason.startsWith('stan: invalid subscription request')) {
    return new ProtocolError(`${what}: the server could not read the request: ${reason}`, options);
  }
  return new StreamUnavailableError(`${what}: the server refused it: ${reason}`, options);
}

/** The typed error for a message that the server refused: it is certainly not stored. @internal */
export function publishRefusal(channel: string, reason: string): PublishError {
  return new PublishError(`publish('${channel}'): the server refused the message: ${reason}`, {
    broker,
    detail: { error: reason },
    retriable: refusedForNow(reason),
  });
}

/** A refusal that also a session which the server has lost gets, whatever is published. @internal */
export function refusedAsInvalid(reason: string): boolean {
  return reason === 'stan: invalid publish request';
}

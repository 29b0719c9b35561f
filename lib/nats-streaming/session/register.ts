import {
  BrokerTimeoutError,
  ConnectionError,
  InUseError,
  InvalidOptionError,
  ProtocolError,
} from '../../core/errors.js';
import type { AuthorizationError, WeirError } from '../../core/errors.js';
import { decodeConnectResponse, encodeConnectRequest } from '../codec/connect.js';
import type { ConnectResponse } from '../codec/connect.js';
import { subjectProblem } from '../codec/subjects.js';
import { encodeText } from '../../core/wire/text.js';
import type { Link, LinkSubscription, MessageHandler } from '../connection/link.js';
import { randomId } from '../connection/random-id.js';
import type { ResolvedOptions } from '../options.js';
import type { Requests } from './requests.js';

/** Where a registered client writes to. @internal */
export interface SessionSubjects {
  readonly pubPrefix: string;
  readonly subRequests: string;
  readonly unsubRequests: string;
  /** Empty on a server that can't close a subscription without forgetting it. */
  readonly subCloseRequests: string;
  readonly closeRequests: string;
  /** Empty on a server that answers no pings. */
  readonly pingRequests: string;
}

/** Before the first registration. @internal */
export const noSubjects: SessionSubjects = {
  pubPrefix: '',
  subRequests: '',
  unsubRequests: '',
  subCloseRequests: '',
  closeRequests: '',
  pingRequests: '',
};

/** Who takes what comes on the inboxes of a registration. @internal */
export interface InboxHandlers {
  readonly ping: MessageHandler;
  readonly pubAck: MessageHandler;
  /** The NATS server does not allow one of the inboxes. */
  denied(error: AuthorizationError): void;
}

const broker = 'nats-streaming';
const nothing = new Uint8Array(0);

/**
 * One registration: its inboxes, alive before the server is asked, and what the server answered. The heartbeats of the
 * server are answered here, at once.
 * @internal
 */
export class Registration {
  readonly connId: Uint8Array = encodeText(randomId());
  readonly pingInbox: string;
  readonly ackInbox: string;
  subjects: SessionSubjects = noSubjects;
  /** Milliseconds between two pings; undefined when the server answers none. */
  pingInterval: number | undefined = undefined;
  private readonly heartbeatInbox: string;
  private readonly inboxes: LinkSubscription[] = [];
  private acks: LinkSubscription | undefined;

  /** @throws ConnectionError when the connection is closed; no inbox is left then */
  constructor(
    private readonly link: Link,
    private readonly options: ResolvedOptions,
    handlers: InboxHandlers,
  ) {
    const denied = (error: AuthorizationError): void => {
      handlers.denied(error);
    };
    this.heartbeatInbox = link.inbox();
    this.pingInbox = link.inbox();
    this.ackInbox = link.inbox();
    try {
      const answer: MessageHandler = (_data, _status, message) => {
        const reply = message.reply;
        if (reply !== undefined && reply !== '') link.publish(reply, nothing);
      };
      this.inboxes.push(link.subscribe(this.heartbeatInbox, answer, denied));
      this.inboxes.push(link.subscribe(this.pingInbox, handlers.ping, denied));
      this.acks = link.subscribe(this.ackInbox, handlers.pubAck, denied);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** Asks the server to register this client. `done` is called once, with the error where it was refused. */
  ask(requests: Requests, done: (error: WeirError | undefined) => void): void {
    const { clientId, pingInterval, pingMaxOut, connectTimeout } = this.options;
    const request = encodeConnectRequest({
      clientId,
      heartbeatInbox: this.heartbeatInbox,
      protocol: 1,
      connId: this.connId,
      pingInterval: pingInterval / 1000,
      pingMaxOut,
    });
    requests.ask(discoverSubject(this.options), request, connectTimeout, (error, reply) => {
      done(error ? notAnswered(error, this.options) : this.take(reply as Uint8Array));
    });
  }

  /** Drops the inboxes, but for the one for confirmations, which waits for `end`. */
  retire(): void {
    for (const inbox of this.inboxes.splice(0)) inbox.unsubscribe();
  }

  /** Drops the inboxes. Twice is fine. */
  end(): void {
    this.retire();
    this.acks?.unsubscribe();
    this.acks = undefined;
  }

  private take(reply: Uint8Array): WeirError | undefined {
    let response: ConnectResponse;
    try {
      response = decodeConnectResponse(reply);
    } catch (error) {
      return error as ProtocolError;
    }
    if (response.error !== '') return refused(response.error, this.options);
    const problem = problemOf(response);
    if (problem !== undefined) {
      return new ProtocolError(
        `the answer on ${discoverSubject(this.options)} is not that of a NATS Streaming server: ${problem}; ` +
          'check that nobody else answers there',
        { broker },
      );
    }
    const { pubPrefix, subRequests, unsubRequests, subCloseRequests, closeRequests, pingRequests } = response;
    this.subjects = { pubPrefix, subRequests, unsubRequests, subCloseRequests, closeRequests, pingRequests };
    if (response.protocol >= 1 && pingRequests !== '') {
      // what the server says goes, unless it can't be meant
      this.pingInterval = response.pingInterval >= 1 ? response.pingInterval * 1000 : this.options.pingInterval;
    }
    return undefined;
  }
}

/** @internal */
export function discoverSubject({ discoverPrefix, clusterId }: ResolvedOptions): string {
  return `${discoverPrefix}.${clusterId}`;
}

function problemOf(response: ConnectResponse): string | undefined {
  for (const name of ['pubPrefix', 'subRequests', 'unsubRequests', 'closeRequests'] as const) {
    const problem = subjectProblem(response[name]);
    if (problem !== undefined) return `in ${name}, ${problem}`;
  }
  for (const name of ['subCloseRequests', 'pingRequests'] as const) {
    const problem = response[name] === '' ? undefined : subjectProblem(response[name]);
    if (problem !== undefined) return `in ${name}, ${problem}`;
  }
  return undefined;
}

/** The same error, in the words of a connect. */
function notAnswered(cause: WeirError, options: ResolvedOptions): WeirError {
  const { clusterId } = options;
  const subject = discoverSubject(options);
  const asked = `cannot register with the NATS Streaming cluster '${clusterId}'`;
  if (cause.detail?.['noResponders'] === true) {
    return new ConnectionError(
      `${asked}: nobody listens on ${subject}; check clusterId (the server's -cid) and discoverPrefix, and that the server runs`,
      { broker, cause, detail: { ...cause.detail, clusterId } },
    );
  }
  return cause.code === 'TIMEOUT' ? timedOut(options, cause) : cause;
}

/** @internal */
export function timedOut(options: ResolvedOptions, cause: unknown): WeirError {
  const subject = discoverSubject(options);
  const ms = options.connectTimeout;
  return new BrokerTimeoutError(
    `cannot register with the NATS Streaming cluster '${options.clusterId}': no answer on ${subject} within ${ms} ms; ` +
      "check clusterId (the server's -cid) and discoverPrefix, and that the server runs",
    { broker, cause, detail: { subject, clusterId: options.clusterId } },
  );
}

function refused(text: string, { clientId, clusterId }: ResolvedOptions): WeirError {
  const asked = `the NATS Streaming cluster '${clusterId}' refused the client id '${clientId}'`;
  const options = { broker, detail: { error: text, clientId, clusterId } } as const;
  if (text.includes('already registered')) {
    return new InUseError(
      `${asked} (${text}): another process holds it and answers; stop that one, or give this one another clientId`,
      options,
    );
  }
  if (text.includes('invalid clientID')) return new InvalidOptionError(`${asked} (${text})`, options);
  return new ConnectionError(`${asked} (${text})`, { ...options, retriable: false });
}

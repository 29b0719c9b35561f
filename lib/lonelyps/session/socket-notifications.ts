import type { Clock } from '../../core/clock.js';
import { ClosedError, type WeirError } from '../../core/errors.js';
import type { Connection } from '../connection/connection.js';
import type { NotifyOutcome, OutgoingMessage } from './session.js';
import { uncertain } from './uncertain.js';

interface Sent {
  readonly message: OutgoingMessage;
  readonly outcome: NotifyOutcome;
  /** Whether it was written to an earlier connection, and its fate is not known. */
  readonly repeated: boolean;
}

/** A message whose connection went while it was on its way. */
interface Doubtful extends Sent {
  readonly error: WeirError;
  readonly id: string;
}

/** The messages that are on their way out over one websocket after the other. @internal */
export class SocketNotifications {
  /** Sent again on the next connection: those that may be. No more than one connection has on their way. */
  private readonly again: Doubtful[] = [];
  /** Whether there is a connection, or will be. */
  private hopes = false;
  private isClosed = false;

  constructor(private readonly clock: Clock) {}

  /** Exactly one of the outcomes is called, later. */
  notify(connection: Connection | undefined, message: OutgoingMessage, outcome: NotifyOutcome): void {
    if (connection !== undefined) {
      this.send(connection, { message, outcome, repeated: false });
      return;
    }
    this.clock.soon(() => {
      this.unwritten(outcome);
    });
  }

  /** There is a connection: what may have been lost with the one before comes first. */
  begin(connection: Connection): void {
    this.hopes = true;
    for (const { message, outcome } of this.again.splice(0))
      this.send(connection, { message, outcome, repeated: true });
  }

  /** There will be none. Those that the last one takes with it are told of after this. */
  release(): void {
    this.hopes = false;
    for (const { message, outcome, error, id } of this.again.splice(0)) {
      outcome.uncertain(uncertain(error, message.resend), id);
    }
  }

  /** Nothing waits for another connection any more. */
  close(): void {
    this.isClosed = true;
    this.release();
  }

  private send(connection: Connection, sent: Sent): void {
    const { message, outcome, repeated } = sent;
    connection.notify(message.topic, message.body, {
      confirmed: (id, notified) => {
        outcome.confirmed(id, notified, repeated);
      },
      refused: (error, id) => {
        if (repeated) outcome.uncertain(uncertain(error, message.resend), id);
        else outcome.refused(error, id);
      },
      lost: (error, written, id) => {
        if (written || repeated) this.doubt({ ...sent, error, id });
        else this.unwritten(outcome);
      },
    });
  }

  private doubt(doubtful: Doubtful): void {
    const { message, outcome, error, id } = doubtful;
    if (message.resend && this.hopes) this.again.push(doubtful);
    else outcome.uncertain(uncertain(error, message.resend), id);
  }

  /** Waits for a connection, or is refused where none will come. */
  private unwritten(outcome: NotifyOutcome): void {
    if (!this.isClosed) outcome.unwritten();
    else
      outcome.refused(new ClosedError('the message was not sent: the handle was closed', { broker: 'lonelyps' }), '');
  }
}

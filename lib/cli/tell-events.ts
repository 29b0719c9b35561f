import type { Subscription } from 'rxjs';
import type { Broker, BrokerEvent } from '../core/broker.js';
import type { CliIo } from './io.js';

/** Tells what happens beside the messages, a line each. */
export function tellEvents(broker: Broker, { stderr }: CliIo, quiet: boolean): Subscription | undefined {
  if (quiet) return undefined;
  return broker.events.subscribe((event) => stderr.write(`rx-weir: ${wordsOf(event)}\n`));
}

function wordsOf(event: BrokerEvent): string {
  switch (event.type) {
    case 'gap':
      return `'${event.channel}': messages are missing${range(event.from, event.to)}: ${event.reason}`;
    case 'reset':
      return `'${event.channel}' was emptied and its offsets begin anew`;
    case 'missed':
      return `a message on '${event.channel}' was lost on its way`;
    case 'stalled':
      return `the position in '${event.channel}' does not move: offset ${event.offset} stays unsettled`;
    case 'replaced':
      return event.reason;
    case 'disconnected':
      return `the connection was lost${event.cause instanceof Error ? `: ${event.cause.message}` : ''}`;
    case 'reconnected':
      return `connected again${event.session === 'renewed' ? ', with a session of its own' : ''}`;
    case 'protocol':
      return event.error.message;
    case 'abandoned':
      return `closed with ${event.unsettled} messages unsettled and ${event.unconfirmed} unconfirmed`;
  }
}

function range(from: bigint | undefined, to: bigint | undefined): string {
  return from === undefined ? '' : ` from ${from}${to === undefined ? '' : ` to ${to}`}`;
}

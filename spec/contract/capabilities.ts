import type { Start, Until } from '../../lib/core/starts.js';

/** What a broker has of the common vocabulary. What it lacks must be refused at the call, and the suite checks that too. */
export interface Capabilities {
  /** Whether a subscription can see what was published before it. Else a message goes to those who are there, and is gone. */
  readonly replay: boolean;
  readonly starts: readonly Start['kind'][];
  readonly untils: readonly Until['kind'][];
  /**
   * Whether a subscription can have a stored position, and whose it is: of the client, by its name; shared by all who know
   * the durable's name, one at a time; or a mere position under that name, how far everything was settled.
   */
  readonly durable: false | 'client' | 'shared' | 'position';
  /** Whether subscriptions can share the work: all members at once, or one at a time while the others stand by. */
  readonly queue: false | 'shared' | 'single';
  /** Whether a queue group can have a stored position. */
  readonly durableQueue: boolean;
  /** How a delivery that nobody settles comes again; false where it never does. */
  readonly redelivery:
    | false
    | {
        /** The shortest `ackWait`, in ms, that the specs may ask for. */
        readonly ackWait: number;
        /** Whether `redeliveries` tells how often. */
        readonly counted: boolean;
      };
  /** Whether messages carry a key. */
  readonly keys: boolean;
  /** Whether messages carry headers, and whether their values arrive as bytes whatever was sent. */
  readonly headers: boolean | 'bytes';
  /** Whether the publisher can choose the id that the receipt has: any text, or a growing number. */
  readonly ids: false | 'text' | 'number';
  /** The offset of a channel's first message; undefined where messages have neither offset nor time. */
  readonly firstOffset: bigint | undefined;
  /** Whether what is published side by side arrives in the order of the calls. Default true. */
  readonly orderedPublishing?: boolean;
  /** Whether the broker confirms what was published; else `confirmed` is false. */
  readonly confirms: boolean;
  /** Whether the receipt tells where the message was stored. */
  readonly receiptOffsets: boolean;
  /** Whether the receipt tells how many subscribers the message went to. Default false. */
  readonly notified?: boolean;
  /** Channels that it cannot have. */
  readonly badChannels: readonly string[];
  /** A message larger than this many bytes is refused. */
  readonly maxPayload: number | undefined;
}

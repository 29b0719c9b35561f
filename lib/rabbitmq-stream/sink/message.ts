import { FrameTooLargeError, InvalidOptionError, PublishError, WeirError } from '../../core/errors.js';
import type { Entry } from '../../core/publisher.js';
import { encodePreamble } from '../codec/amqp/encode.js';
import { dataSectionLength } from '../codec/amqp/data-section.js';
import { encodeText } from '../../core/wire/text.js';
import type { RabbitMqStreamFields } from '../fields.js';

/** The longest filter value, in bytes: the wire has a signed length of 16 bits. */
const longestFilter = 0x7fff;
/** What a publisher calls the sections before the body. */
const namesOfFields = { applicationProperties: 'headers', messageAnnotations: 'annotations' };

/** @internal */
export function fieldsOf(entry: Entry): RabbitMqStreamFields | undefined {
  return entry.fields as RabbitMqStreamFields | undefined;
}

/** The bytes of the record that an entry becomes. @internal */
export function recordLength(entry: Entry, preamble: Uint8Array | undefined): number {
  const { length } = entry.bytes;
  if (entry.whole) return length;
  return dataSectionLength(length) + (preamble === undefined ? 0 : preamble.length);
}

/**
 * The sections before the body; undefined where there are none.
 * @throws InvalidOptionError for a value that AMQP has no form for, and for fields beside a whole message
 * @internal
 */
export function preambleOf(entry: Entry, fields: RabbitMqStreamFields, stream: string): Uint8Array | undefined {
  const { headers, properties, annotations } = fields;
  if (headers === undefined && properties === undefined && annotations === undefined) return undefined;
  if (entry.whole) {
    throw new InvalidOptionError(
      `cannot publish to '${stream}': with amqp() the message has its own properties, applicationProperties and messageAnnotations; ` +
        'leave out headers, properties and annotations',
      { broker: 'rabbitmq-stream' },
    );
  }
  try {
    const sections = { applicationProperties: headers, properties, messageAnnotations: annotations };
    const preamble = encodePreamble(sections, namesOfFields);
    return preamble.length === 0 ? undefined : preamble;
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    throw new InvalidOptionError(`cannot publish to '${stream}': ${error.message}`, {
      broker: 'rabbitmq-stream',
      cause: error.cause,
    });
  }
}

/**
 * The filter value as it goes out: the message's own, else what the function makes of the value; null where there is none.
 * @throws PublishError where the function throws, InvalidOptionError where it gives no string
 * @internal
 */
export function filterOf(
  entry: Entry,
  fields: RabbitMqStreamFields | undefined,
  filterValue: ((value: unknown) => string | undefined) | undefined,
  stream: string,
): Uint8Array | null {
  const text: unknown = fields?.filterValue ?? callFilter(entry, filterValue, stream);
  if (text === undefined) return null;
  if (typeof text !== 'string') {
    throw new InvalidOptionError(
      `cannot publish to '${stream}': filterValue gives a string or undefined; it gave a value of type ${typeof text}`,
      { broker: 'rabbitmq-stream' },
    );
  }
  const bytes = encodeText(text);
  if (bytes.length <= longestFilter) return bytes;
  throw new InvalidOptionError(
    `cannot publish to '${stream}': a filter value can have ${String(longestFilter)} bytes, and this one has ${String(bytes.length)}`,
    { broker: 'rabbitmq-stream' },
  );
}

function callFilter(
  entry: Entry,
  filterValue: ((value: unknown) => string | undefined) | undefined,
  stream: string,
): unknown {
  if (filterValue === undefined) return undefined;
  try {
    return filterValue(entry.value);
  } catch (error) {
    if (error instanceof WeirError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new PublishError(`cannot publish to '${stream}': filterValue threw: ${reason}`, {
      broker: 'rabbitmq-stream',
      cause: error,
    });
  }
}

/**
 * Refuses what a message in a bundle cannot have.
 * @throws InvalidOptionError
 * @internal
 */
export function checkBundled(fields: RabbitMqStreamFields | undefined, stream: string): void {
  const given = fields?.id !== undefined ? 'id' : fields?.filterValue !== undefined ? 'filterValue' : undefined;
  if (given === undefined) return;
  throw new InvalidOptionError(
    `cannot publish to '${stream}': with subEntry a message has no ${given} of its own; leave out one of the two`,
    { broker: 'rabbitmq-stream' },
  );
}

/** @internal */
export function tooLarge(stream: string, size: number, limit: number, frameMax: number): FrameTooLargeError {
  return new FrameTooLargeError(
    `cannot publish to '${stream}': the message takes ${String(size)} bytes with its AMQP sections, and a frame of ` +
      `${String(frameMax)} bytes has room for ${String(limit)}; send less, or raise frameMax here and stream.frame_max at the broker`,
    { broker: 'rabbitmq-stream', detail: { size, limit, frameMax } },
  );
}

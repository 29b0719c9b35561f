import type { Attributes, Context } from '@opentelemetry/api';
import type { Outgoing, Receipt } from '../core/broker.js';
import { isWhole, type Encoder } from '../core/codec.js';
import type { SinkSettings } from '../core/settings.js';
import { inject } from './carrier.js';
import { Publication, publishAttributes } from './publication.js';
import type { Telemetry } from './telemetry.js';
import { encoderIn } from './traced.js';

/**
 * What goes through one sink or operator. Which receipt belongs to which publication is told by the value, as it is to the
 * program; of values that are the same, the one that was accepted first is confirmed first.
 * @internal
 */
export class Publications {
  /** What the sink has to be made with. */
  readonly settings: SinkSettings;
  private readonly attributes: Attributes;
  private readonly accepted = new ByValue();
  private readonly announced = new ByValue();
  /** That of the value which is encoded next: brokers ask for a message and encode it in one step. */
  private latest: Context | undefined;

  constructor(
    private readonly telemetry: Telemetry,
    private readonly channel: string,
    options: SinkSettings,
  ) {
    this.attributes = publishAttributes(telemetry, channel);
    const { message, codec } = options;
    this.settings = withMembers(options, {
      message: (value: unknown) => this.messageOf(value, message),
      codec: this.encoder(codec),
    });
  }

  /** The span of a value that waits before it is accepted. */
  announce(value: unknown): Publication {
    const publication = this.begin(value);
    this.announced.push(value, publication);
    return publication;
  }

  end(receipt: Receipt<unknown>): void {
    this.accepted.shift(receipt.value)?.end(receipt);
  }

  /** Nobody will be told of the rest. */
  abandon(): void {
    for (const publication of this.accepted.clear()) publication.abandon();
  }

  private begin(value: unknown): Publication {
    return new Publication(this.telemetry, this.attributes, this.channel, value);
  }

  private messageOf(value: unknown, message: SinkSettings['message']): Outgoing<unknown> {
    const publication = this.announced.shift(value) ?? this.begin(value);
    this.accepted.push(value, publication);
    const outgoing = message === undefined ? { value } : message(value);
    this.latest = this.telemetry.propagates ? publication.context : undefined;
    return withMembers(outgoing, carried(publication, this.telemetry, outgoing, this.settings.codec));
  }

  private encoder(codec: Encoder<unknown> | undefined): Encoder<unknown> | undefined {
    return encoderIn(codec, () => this.latest) ?? codec;
  }
}

/**
 * What is sent otherwise than the program said: headers with the context in them. A codec of whole messages takes them from
 * the value itself, where they are called by the name that AMQP has for them.
 * @internal
 */
export function carried(
  { context }: Publication,
  { hasHeaders, propagates }: Telemetry,
  { value, headers }: Outgoing<unknown>,
  codec: Encoder<unknown> | undefined,
): Partial<Outgoing<unknown>> {
  if (!hasHeaders || !propagates) return {};
  // headers that are none are for the handle to refuse
  if (headers !== undefined && Object(headers) !== headers) return {};
  if (!isWhole(codec)) return { headers: inject(context, headers) };
  if (typeof value !== 'object' || value === null) return {};
  const { applicationProperties } = value as { applicationProperties?: Outgoing<unknown>['headers'] };
  return { value: { ...value, applicationProperties: inject(context, applicationProperties) } };
}

/** A copy with other members; what is inherited stays so. @internal */
export function withMembers<T extends object>(options: T, members: Readonly<Record<string, unknown>>): T {
  return Object.assign(Object.create(Object.getPrototypeOf(options) as object | null) as T, options, members);
}

/** Publications that are under way, by their values. */
class ByValue {
  private readonly all = new Map<unknown, Publication | Publication[]>();

  push(value: unknown, publication: Publication): void {
    const others = this.all.get(value);
    if (others === undefined) this.all.set(value, publication);
    else if (Array.isArray(others)) others.push(publication);
    else this.all.set(value, [others, publication]);
  }

  shift(value: unknown): Publication | undefined {
    const found = this.all.get(value);
    if (!Array.isArray(found)) {
      this.all.delete(value);
      return found;
    }
    const first = found.shift();
    if (found.length === 0) this.all.delete(value);
    return first;
  }

  clear(): Publication[] {
    const left = [...this.all.values()].flat();
    this.all.clear();
    return left;
  }
}

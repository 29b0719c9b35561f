import type { BaseDelivery } from './delivery.js';
import { Intake, type IntakeProtocol } from './intake.js';
import { Lane } from './lane.js';
import { SourceLife, type SourceHost, type LifeRequest } from './source-life.js';
import { Watermark } from './watermark.js';

export type { SourceHost } from './source-life.js';

/** What a subscriber asked for of a broker that redelivers by itself. @internal */
export interface SourceRequest extends LifeRequest {
  /** ms */
  readonly ackWait: number;
}

/** A subscription over one log, the same for brokers that redeliver by themselves. @internal */
export abstract class BaseSource extends SourceLife<SourceRequest> implements IntakeProtocol {
  protected readonly intake: Intake;
  protected readonly lane: Lane;
  private readonly story: SourceHost['story'];

  constructor(shared: SourceHost, request: SourceRequest) {
    super(shared, request, request.ackWait);
    this.story = shared.story;
    const { channel, settings, receiver } = request;
    const { durable, queue, maxInFlight } = settings;
    this.intake = new Intake(settings, receiver, this);
    // in a group, a settled message may rightly come again: another member gave it up
    if (queue !== undefined) this.lane = new Lane(undefined, maxInFlight);
    else if (durable !== undefined) this.lane = shared.durables.lane(channel, durable, maxInFlight);
    else this.lane = new Lane(new Watermark(), maxInFlight);
  }

  reset(last: bigint | undefined): void {
    this.story.tell({ type: 'reset', channel: this.request.channel, last });
  }

  abstract ack(delivery: BaseDelivery<unknown>): void;

  abstract release(delivery: BaseDelivery<unknown>): void;
}

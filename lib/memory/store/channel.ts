import type { Clock } from '../../core/clock.js';
import { InUseError } from '../../core/errors.js';
import { Group, quantum } from './group.js';
import { MessageLog, type LogBounds } from './log.js';
import { Member } from './member.js';
import type { Deliver, SubscribeRequest } from './membership.js';
import type { StoredFields } from './message.js';
import { startingPoint } from './starting-point.js';
import { Task, type Turns } from './turns.js';

/** Which position is meant. @internal */
export interface PositionName {
  readonly durable?: string | undefined;
  readonly queue?: string | undefined;
}

/** A log and the positions in it. As a task it wakes its groups after a publish. @internal */
export class Channel extends Task {
  readonly log: MessageLog;
  /** The groups that have members. */
  readonly active = new Set<Group>();
  private readonly queues = new Map<string, Group>();
  private durables = new WeakMap<object, Map<string, Group>>();
  private durableCount = 0;
  private slack = 1;
  private readonly trim: Task;

  constructor(
    readonly name: string,
    bounds: LogBounds,
    private readonly turns: Turns,
    private readonly clock: Clock,
    private readonly onUnused: (channel: Channel) => void,
  ) {
    super();
    this.log = new MessageLog(bounds);
    this.trim = new Trim(this.log);
  }

  get subscriptions(): number {
    let count = 0;
    for (const group of this.active) count += group.members.length;
    return count;
  }

  get unacked(): number {
    let count = 0;
    for (const group of this.active) count += group.unacked;
    return count;
  }

  publish(data: Uint8Array, fields: StoredFields | undefined): number {
    const { log } = this;
    const now = this.clock.now();
    const { offset } = log.append(data, fields, now);
    log.expire(now);
    if (this.active.size === 0) log.trim();
    else {
      // a subscriber that has room gets what is published in this turn before the bounds take it away
      log.trim(this.slack);
      this.turns.add(this);
    }
    return offset;
  }

  run(): void {
    for (const group of this.active) this.turns.add(group);
    this.turns.add(this.trim);
  }

  subscribe(request: SubscribeRequest, deliver: Deliver): Member {
    const group = this.find(request.client, request) ?? this.create(request);
    if (request.queue === undefined && group.members.length > 0) {
      throw this.inUse(
        request,
        'a durable serves one subscription at a time: end the other, or share the work with a queue',
      );
    }
    const member = new Member(group, request, deliver, this.clock);
    this.slack = Math.max(this.slack, Math.min(quantum, request.maxInFlight));
    this.active.add(group);
    group.join(member);
    return member;
  }

  forget(client: object, name: PositionName): boolean {
    const group = this.find(client, name);
    if (group === undefined) return false;
    if (group.members.length > 0) throw this.inUse(name, 'end that first');
    this.remove(client, name);
    this.check();
    return true;
  }

  /** Everybody out, and no position kept. */
  disband(): void {
    for (const group of this.active) group.disband();
    this.active.clear();
    this.queues.clear();
    this.durables = new WeakMap();
    this.durableCount = 0;
  }

  private find(client: object, name: PositionName): Group | undefined {
    if (name.queue !== undefined) return this.queues.get(queueKey(name));
    return name.durable === undefined ? undefined : this.durables.get(client)?.get(name.durable);
  }

  private create(request: SubscribeRequest): Group {
    const { client, queue, durable } = request;
    const now = this.clock.now();
    this.log.expire(now);
    const start = startingPoint(this.log, request.start, now);
    const empty = (group: Group): void => {
      this.active.delete(group);
      if (this.active.size === 0) {
        this.slack = 1;
        this.log.trim();
      }
      if (durable === undefined) this.remove(client, request);
      this.check();
    };
    const group = new Group(this.log, start, this.turns, this.clock, empty);
    if (durable !== undefined) this.durableCount++;
    if (queue !== undefined) this.queues.set(queueKey(request), group);
    else if (durable !== undefined) {
      let own = this.durables.get(client);
      if (own === undefined) this.durables.set(client, (own = new Map<string, Group>()));
      own.set(durable, group);
    }
    return group;
  }

  private remove(client: object, name: PositionName): void {
    if (name.durable !== undefined) this.durableCount--;
    if (name.queue !== undefined) this.queues.delete(queueKey(name));
    else if (name.durable !== undefined) this.durables.get(client)?.delete(name.durable);
  }

  /** A channel that never had a message and that nobody has a position in is as good as none. */
  private check(): void {
    if (this.log.next === 1 && this.active.size === 0 && this.durableCount === 0) this.onUnused(this);
  }

  private inUse(name: PositionName, advice: string): InUseError {
    const queue = name.queue === undefined ? '' : ` with queue '${name.queue}'`;
    return new InUseError(`durable '${name.durable}'${queue} of '${this.name}' has an active subscription; ${advice}`, {
      broker: 'memory',
    });
  }
}

/** Holds the bounds when the turn's deliveries are made. */
class Trim extends Task {
  constructor(private readonly log: MessageLog) {
    super();
  }

  run(): void {
    this.log.trim();
  }
}

function queueKey({ durable, queue }: PositionName): string {
  return JSON.stringify([queue, durable ?? null]);
}

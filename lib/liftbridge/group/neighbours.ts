/** Who reads a partition for a group, as another member of it in the same handle sees it. @internal */
export interface Neighbour {
  /** The epoch of the group by which the partition is its own; undefined: it is not, at the moment. */
  readonly epoch: bigint | undefined;
  /** Emits nothing more, unless it is ending already. Resolves when its position is stored, or could not be; never rejects. */
  makeWay(): Promise<void>;
}

/** The readers of all groups in one handle, so that one follows the other without the brokers' help. @internal */
export class Neighbours {
  private readonly readers = new Map<string, Set<Neighbour>>();

  enter(place: string, reader: Neighbour): void {
    const there = this.readers.get(place);
    if (there === undefined) this.readers.set(place, new Set([reader]));
    else there.add(reader);
  }

  leave(place: string, reader: Neighbour): void {
    const there = this.readers.get(place);
    if (there?.delete(reader) === true && there.size === 0) this.readers.delete(place);
  }

  /** Resolves when the others that read there, but for those of a later epoch, have made way. */
  async follow(place: string, reader: Neighbour): Promise<void> {
    const { epoch = -1n } = reader;
    const others = [...(this.readers.get(place) ?? [])].filter(
      (other) => other !== reader && (other.epoch === undefined || other.epoch <= epoch),
    );
    await Promise.all(others.map((other) => other.makeWay()));
  }
}

import { expect } from 'chai';
import type * as wire from '../../lib/liftbridge/codec/metadata.js';
import { clusterMetadata, partitionMetadata, streamInfo } from '../../lib/liftbridge/metadata.js';

function partition(id: number, changes: Partial<wire.PartitionMetadata> = {}): wire.PartitionMetadata {
  return {
    id,
    leader: 'n1',
    replicas: ['n1', 'n2'],
    isr: ['n1'],
    highWatermark: -1n,
    newestOffset: -1n,
    paused: false,
    readonly: false,
    messagesReceivedTimestamps: undefined,
    pauseTimestamps: undefined,
    readonlyTimestamps: undefined,
    ...changes,
  };
}

function stream(name: string, partitions: wire.PartitionMetadata[], error = 0): wire.StreamMetadata {
  const creationTimestamp = 2n ** 60n + 1n;
  return {
    name,
    subject: `${name}.>`,
    error,
    creationTimestamp,
    partitions: new Map(partitions.map((p) => [p.id, p])),
  };
}

describe('metadata of Liftbridge', () => {
  it('come in an order, without what is not there', () => {
    const broker = { host: 'h', port: 1, partitionCount: 2, leaderCount: 1 };
    const metadata = clusterMetadata({
      brokers: [
        { id: 'n2', ...broker },
        { id: 'n1', ...broker },
      ],
      streams: [stream('t', [partition(1), partition(0)]), stream('none', [], 1), stream('s', [])],
      groups: [
        { groupId: 'g', error: 0, coordinator: 'n1', epoch: 2n ** 63n },
        { groupId: 'none', error: 1, coordinator: '', epoch: 0n },
      ],
    });
    expect(metadata.brokers.map(({ id }) => id)).to.deep.equal(['n1', 'n2']);
    expect(metadata.brokers[0]).to.deep.equal({ id: 'n1', ...broker });
    expect(metadata.streams.map(({ name }) => name)).to.deep.equal(['s', 't']);
    expect(metadata.streams[1]).to.deep.equal({
      name: 't',
      subject: 't.>',
      created: 2n ** 60n + 1n,
      partitions: [0, 1].map((id) => ({
        id,
        leader: 'n1',
        replicas: ['n1', 'n2'],
        isr: ['n1'],
        paused: false,
        readonly: false,
      })),
    });
    expect(metadata.groups).to.deep.equal([{ id: 'g', coordinator: 'n1', epoch: 2n ** 63n }]);
  });

  it('tell of no leader by undefined', () => {
    const info = streamInfo(stream('s', [partition(0, { leader: '' })]));
    expect(info.partitions.get(0)?.leader).to.equal(undefined);
    expect(info.count).to.equal(1);
  });

  it('tell of what never was by undefined', () => {
    const empty = partitionMetadata(3, partition(3));
    expect([empty.highWatermark, empty.newestOffset]).to.deep.equal([undefined, undefined]);
    expect(empty.pauses).to.deep.equal({ first: undefined, latest: undefined });
    const full = partitionMetadata(
      3,
      partition(3, {
        highWatermark: 0n,
        newestOffset: 2n,
        readonly: true,
        messagesReceivedTimestamps: { firstTimestamp: 1n, latestTimestamp: 2n },
        readonlyTimestamps: { firstTimestamp: 0n, latestTimestamp: 5n },
      }),
    );
    expect([full.id, full.highWatermark, full.newestOffset, full.readonly]).to.deep.equal([3, 0n, 2n, true]);
    expect(full.messagesReceived).to.deep.equal({ first: 1n, latest: 2n });
    expect(full.readonlyChanges).to.deep.equal({ first: undefined, latest: 5n });
  });
});

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { text } from '../../lib/codec/text.js';
import type { Receipt } from '../../lib/core/broker.js';
import { BrokerTimeoutError, InUseError, OverflowError, PublishUncertainError } from '../../lib/core/errors.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { command } from '../support/command.js';
import { childrenOf } from '../support/process-tree.js';
import { rabbitMqVersion } from '../support/rabbitmq-root.js';
import { until } from '../support/wait.js';
import { countEach, readBack } from './faults-kit.js';
import { Handles, newStream, Told, valuesUpTo } from './support.js';

describe('rabbitmq-stream: a server whose disk is full', () => {
  let server: RabbitMqServer;
  const handles = new Handles();

  before(async () => {
    server = await startRabbitMq({ needs: 'process' });
  });
  after(() => server.stop());
  afterEach(() => handles.close());

  /** Says how much the disk must have free, inside of the namespaces that the node runs in. */
  const setDiskLimit = async (limit: string): Promise<void> => {
    const [node] = childrenOf(server.pid);
    const environment = readFileSync(`/proc/${node}/environ`, 'utf8').split('\0').filter(Boolean);
    // the one in the path changes to a user whose cookie is another
    const control = `/usr/lib/rabbitmq/lib/rabbitmq_server-${rabbitMqVersion}/sbin/rabbitmqctl`;
    const entering = ['-t', String(node), '--mount', '--pid', '--root', '--wd'];
    const tool = ['/usr/bin/env', '-i', ...environment, control, 'set_disk_free_limit', limit];
    await command('nsenter', [...entering, ...tool], { install: 'It comes with util-linux.' });
  };
  const alarmed = async (): Promise<boolean> => {
    const [node] = await server.management.request<{ disk_free_alarm: boolean }[]>('GET', '/api/nodes');
    return node!.disk_free_alarm;
  };

  it('takes nothing: sends queue, the confirm timeout tells of what was written, and all goes on when there is room', async () => {
    const [broker, newcomer] = [handles.make(server), handles.make(server)];
    const told = new Told(broker);
    const stream = await newStream(broker);
    const sink = broker.sink(stream, { codec: text, maxInFlight: 50, buffer: 100, confirmTimeout: 500 });
    const receipts: Receipt<string>[] = [];
    sink.receipts.subscribe((receipt) => receipts.push(receipt));
    await sink.send('before');
    await setDiskLimit('900000GB');
    await until(alarmed, { every: 100 });

    for (const value of valuesUpTo(300)) sink.next(value);
    // 50 go out, 100 wait, the others are too many
    await until(() => receipts.length > 150);
    expect(receipts.slice(1, 151).every(({ error }) => error instanceof OverflowError)).to.equal(true);
    // the broker stores what one read of the socket brought, and reads no more
    const uncertain = (): Receipt<string>[] => receipts.filter(({ error }) => error instanceof PublishUncertainError);
    await until(() => uncertain().length >= 50);
    for (const { error } of uncertain()) expect((error as Error).cause).to.be.instanceOf(BrokerTimeoutError);
    // the broker answers those who come now as if their name were taken, which it can't be without one
    const named = await newcomer.sink(stream, { codec: text, producer: 'p' }).send('named');
    expect(named.error).to.be.instanceOf(InUseError);
    expect((named.error as Error).message).to.include('disk alarm');
    let isStored = false;
    const late = newcomer.publish(stream, 'late', { codec: text }).finally(() => (isStored = true));
    // questions are answered meanwhile, and what is there can be read
    expect((await readBack(newcomer, stream))[0]!.value).to.equal('before');
    expect(isStored).to.equal(false);

    await setDiskLimit('1MB');
    await until(async () => !(await alarmed()), { every: 100 });
    expect(await late).to.include({ ok: true });
    expect(await sink.send('after')).to.include({ ok: true });
    const stored = countEach(await readBack(broker, stream));
    expect(Math.max(...stored.values())).to.equal(1);
    for (const value of ['before', 'late', 'after']) expect(stored.has(value), value).to.equal(true);
    expect(told.has('disconnected')).to.equal(false);
  });
});

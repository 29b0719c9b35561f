import { expect } from 'chai';
import { ConnectionError, type WeirError } from '../../../lib/core/errors.js';
import type { OffsetSpec } from '../../../lib/rabbitmq-stream/codec/offset-spec.js';
import { Link, linkCapacity } from '../../../lib/rabbitmq-stream/session/link.js';
import { FakePublisher, FakeSubscriber } from './session-kit.js';

describe('Link of RabbitMQ Streams', () => {
  const bytes = new Uint8Array(64);
  const lost = new ConnectionError('gone');
  let idle = 0;
  let closed = 0;
  let link: Link;
  const hooks = { idle: () => void idle++, closed: () => void closed++ };

  beforeEach(() => {
    idle = 0;
    closed = 0;
    link = new Link('producer', hooks);
  });

  it('hands on what comes for each publisher, by its id', () => {
    const one = new FakePublisher().on(link, 'orders');
    const other = new FakePublisher().on(link, 'orders');
    link.events.confirm(one.id, bytes, 13, 2);
    link.events.publishError(other.id, 7, 18);
    link.events.confirm(99, bytes, 0, 1);
    link.events.publishError(99, 1, 18);
    link.events.drained();
    expect(one.heard).to.deep.equal(['confirmed 13 2', 'drained']);
    expect(other.heard).to.deep.equal(['refused 7 18', 'drained']);
  });

  it('hands on what comes for each subscription, and tells those who got something when the read is over', () => {
    const one = new FakeSubscriber().on(link, 'orders');
    const other = new FakeSubscriber().on(link, 'orders');
    link.events.deliver(one.id, bytes, 8, 60, false);
    link.events.deliver(one.id, bytes, 8, 61, true);
    link.events.creditError(other.id, 4);
    link.events.flushed();
    link.events.flushed();
    expect(one.heard).to.deep.equal(['deliver 8 60 false', 'deliver 8 61 true', 'flushed']);
    expect(other.heard).to.deep.equal(['refused 4']);
    link.events.consumerUpdate(other.id, true, () => undefined);
    link.events.flushed();
    expect(other.heard).to.deep.equal(['refused 4', 'update true', 'flushed']);
  });

  it('drops what comes for a subscription that has ended, but answers the broker who waits', () => {
    const one = new FakeSubscriber().on(link, 'orders');
    link.removeSubscriber(one.id);
    const replies: OffsetSpec[] = [];
    link.events.deliver(one.id, bytes, 0, 1, false);
    link.events.creditError(one.id, 4);
    link.events.consumerUpdate(one.id, true, (spec) => replies.push(spec));
    link.events.flushed();
    expect(one.heard).to.deep.equal([]);
    expect(replies).to.deep.equal([{ type: 'none' }]);
  });

  it('gives ids of publishers and subscriptions apart, and goes round before it gives one again', () => {
    expect(new FakePublisher().on(link, 's').id).to.equal(0);
    expect(new FakeSubscriber().on(link, 's').id).to.equal(0);
    expect(new FakePublisher().on(link, 's').id).to.equal(1);
    link.removePublisher(0);
    expect(new FakePublisher().on(link, 's').id).to.equal(2);
    for (let id = 3; id < 256; id++) {
      expect(link.addPublisher('s', new FakePublisher())).to.equal(id);
      link.removePublisher(id);
    }
    // 1 and 2 are in use
    expect(new FakePublisher().on(link, 's').id).to.equal(0);
    expect(new FakePublisher().on(link, 's').id).to.equal(3);
  });

  it('has room for 200, places that are promised included', () => {
    for (let count = 1; count < linkCapacity; count++) link.addPublisher('s', new FakePublisher());
    expect(link.hasRoom).to.equal(true);
    link.claims = 1;
    expect(link.hasRoom).to.equal(false);
    link.addPublisher('s', new FakePublisher());
    expect(link.claims).to.equal(0);
    expect(link.hasRoom).to.equal(false);
    link.removePublisher(0);
    expect(link.hasRoom).to.equal(true);
  });

  it('says when nobody is on it any more', () => {
    const one = new FakePublisher().on(link, 's');
    const other = new FakePublisher().on(link, 's');
    link.removePublisher(one.id);
    expect(idle).to.equal(0);
    link.removePublisher(other.id);
    link.removePublisher(other.id);
    expect(idle).to.equal(1);
  });

  it('tells all who have to do with a stream that the broker has removed, once, and frees their ids', () => {
    const gone = [new FakePublisher().on(link, 'orders'), new FakePublisher().on(link, 'orders')];
    const subscriber = new FakeSubscriber().on(link, 'orders');
    const stays = new FakePublisher().on(link, 'bills');
    link.events.metadataUpdate('orders', 6);
    link.events.metadataUpdate('orders', 6);
    link.events.confirm(gone[0]!.id, bytes, 0, 1);
    for (const each of [...gone, subscriber]) expect(each.heard).to.deep.equal(['lost STREAM_UNAVAILABLE']);
    expect(gone[0]!.losses[0]).to.deep.include({ retriable: true });
    expect(gone[0]!.losses[0]!.detail).to.deep.equal({ code: 6, name: 'STREAM_NOT_AVAILABLE', stream: 'orders' });
    expect(gone[0]!.losses[0]!.message).to.match(/'orders' was deleted, or its leader moved/);
    expect(stays.heard).to.deep.equal([]);
    expect(link.count).to.equal(1);
    expect(idle).to.equal(0);
    link.events.metadataUpdate('bills', 6);
    expect(idle).to.equal(1);
  });

  it('tells all on it that the connection is gone, once, and takes nobody any more', () => {
    const one = new FakePublisher().on(link, 's');
    const other = new FakeSubscriber().on(link, 's');
    link.events.closed(lost);
    link.events.closed(lost);
    link.events.metadataUpdate('s', 6);
    expect(one.heard).to.deep.equal(['lost CONNECTION']);
    expect(other.heard).to.deep.equal(['lost CONNECTION']);
    expect(one.losses[0]).to.equal(lost);
    expect(closed).to.equal(1);
    expect(idle).to.equal(0);
    expect(link.closed).to.equal(true);
    expect(link.hasRoom).to.equal(false);
    expect(() => link.addPublisher('s', new FakePublisher())).to.throw(ConnectionError, 'gone');
    link.removePublisher(one.id);
    expect(idle).to.equal(0);
  });

  it('may be left and joined by those who are just told', () => {
    const joined = new FakePublisher();
    const leaver = new (class extends FakePublisher {
      override lost(error: WeirError): void {
        super.lost(error);
        link.removePublisher(this.id);
        joined.on(link, 'orders');
      }
    })().on(link, 'orders');
    link.events.metadataUpdate('orders', 6);
    expect(leaver.heard).to.deep.equal(['lost STREAM_UNAVAILABLE']);
    expect(joined.heard).to.deep.equal([]);
    expect(joined.id).to.equal(1);
    expect(idle).to.equal(0);
  });
});

import { expect } from 'chai';
import { Attempts } from '../../lib/operators/attempts.js';
import { FakeDeliveries } from '../support/fake-delivery.js';

describe('Attempts', () => {
  const deliveries = new FakeDeliveries();
  const at = (offset: number) => deliveries.make('', { offset: BigInt(offset) });

  it('remembers 65 536 messages, and forgets the one that failed longest ago', () => {
    const attempts = new Attempts();
    for (let n = 0; n < 65_536; n++) attempts.failed(at(n));
    expect(attempts.failed(at(0))).to.equal(2);
    attempts.failed(at(65_536));
    expect(attempts.failed(at(0))).to.equal(3);
    expect(attempts.failed(at(2))).to.equal(2);
    expect(attempts.failed(at(1))).to.equal(1);
  });

  it('counts from anew after it was told to forget', () => {
    const attempts = new Attempts();
    attempts.failed(at(1));
    attempts.forget(at(1));
    expect(attempts.failed(at(1))).to.equal(1);
  });

  it('takes the first at a message without an offset for the last, because nobody keeps it', () => {
    const attempts = new Attempts();
    expect(attempts.failed(deliveries.make(''))).to.equal(Infinity);
    attempts.forget(deliveries.make(''));
  });
});

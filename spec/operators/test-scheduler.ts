import { expect } from 'chai';
import { TestScheduler } from 'rxjs/testing';

/** A scheduler whose marbles are compared by chai. */
export function testScheduler(): TestScheduler {
  return new TestScheduler((actual, expected) => {
    expect(actual).to.deep.equal(expected);
  });
}

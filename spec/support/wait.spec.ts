import { expect } from 'chai';
import { NEVER, Observable, from, throwError } from 'rxjs';
import { collect, until, within } from './wait.js';

describe('support/wait', () => {
  it('waits until a condition gives something, and gives that', async () => {
    let calls = 0;
    const value = await until(() => (++calls === 3 ? 'there' : undefined), { every: 1 });
    expect(value).to.equal('there');
  });

  it('says what it waited for and why the condition last failed', async () => {
    const cause = new Error('not yet');
    const error = await until(() => Promise.reject(cause), { timeout: 5, every: 1, message: 'the moon' }).catch(
      (reason: unknown) => reason,
    );
    expect(error).to.be.an('error').with.property('message', 'Waited 5 ms for the moon, in vain.');
    expect((error as Error).cause).to.equal(cause);
  });

  it('bounds a promise in time', async () => {
    expect(await within(Promise.resolve(1), 1000)).to.equal(1);
    const error = await within(new Promise(() => undefined), 5, 'an answer').catch((reason: unknown) => reason);
    expect(error).to.be.an('error').with.property('message', 'Waited 5 ms for an answer, in vain.');
  });

  it('collects a number of values and unsubscribes, also from a source that emits at once', async () => {
    let unsubscribed = 0;
    const source = new Observable<number>((subscriber) => {
      for (let value = 1; value <= 5; value++) {
        subscriber.next(value);
      }
      return () => void unsubscribed++;
    });
    expect(await collect(source, 2)).to.deep.equal([1, 2]);
    expect(unsubscribed).to.equal(1);
    expect(await collect(from([1]), 2)).to.deep.equal([1]);
  });

  it('passes on an error, and tells how many values came in time', async () => {
    const failure = new Error('broken');
    expect(
      await collect(
        throwError(() => failure),
        1,
      ).catch((reason: unknown) => reason),
    ).to.equal(failure);
    const late = await collect(NEVER, 3, 5).catch((reason: unknown) => reason);
    expect(late).to.be.an('error').with.property('message', 'Waited 5 ms for 3 values, 0 came.');
  });
});

import { expect } from 'chai';
import type { AssertionError } from '../../lib/testing/index.js';

/** What a promise rejects with; fails if it does not. */
export async function rejected(promise: Promise<unknown>): Promise<AssertionError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  expect(outcome).to.have.property('error');
  return (outcome as { error: AssertionError }).error;
}

/** What a function throws; fails if it does not. */
export function thrown(call: () => unknown): AssertionError {
  try {
    call();
  } catch (error) {
    return error as AssertionError;
  }
  throw new Error('it threw nothing');
}

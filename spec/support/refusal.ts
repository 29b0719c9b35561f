import { expect } from 'chai';
import type { WeirError } from '../../lib/core/errors.js';

/** The error that a promise rejects with. */
export async function refusal(promise: Promise<unknown>): Promise<WeirError> {
  try {
    await promise;
  } catch (error) {
    return error as WeirError;
  }
  return expect.fail('It should have been refused.');
}

import { expect } from 'chai';
import { InvalidOptionError } from '../../lib/core/errors.js';

/** The message with which a call refuses its options. */
export function refused(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(error).to.be.instanceOf(InvalidOptionError);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

import { expect } from 'chai';
import { endOf, type End } from '../../../lib/liftbridge/source/endings.js';

/** How a Subscribe call can end: the code, the text, and what that means before and after the broker has accepted it. */
const endings: readonly (readonly [number, string, End, End])[] = [
  [0, '', 'ended', 'ended'],
  [3, 'Stop offset is before start offset: 3 < 4', 'exhausted', 'exhausted'],
  [3, 'Unknown StartPosition 9', 'failed', 'failed'],
  [5, 'No such partition', 'deleted', 'deleted'],
  [5, 'commit log was deleted', 'deleted', 'deleted'],
  [8, 'End of readonly partition', 'exhausted', 'exhausted'],
  [8, 'Stop offset reached', 'exhausted', 'exhausted'],
  [8, 'Stream is empty', 'exhausted', 'exhausted'],
  [8, 'Bandwidth exhausted or memory limit exceeded', 'lost', 'lost'],
  [8, 'grpc: received message larger than max', 'failed', 'failed'],
  [9, 'Server not partition leader', 'moved', 'failed'],
  [9, 'Consumer is not currently assigned this partition', 'fenced', 'failed'],
  [9, 'commit log was closed', 'failed', 'paused'],
  [13, 'commit log was closed', 'lost', 'lost'],
  [13, 'Failed to create stream reader: segment has been closed', 'closed', 'lost'],
  [2, 'failed to read message headers: segment has been closed', 'closed', 'lost'],
  [13, 'Failed to lookup offset for timestamp: EOF', 'failed', 'failed'],
  [14, 'Connection dropped', 'lost', 'lost'],
  [4, 'stream timeout', 'lost', 'lost'],
  [2, 'The client is not authorized to call Subscribe on resource s', 'failed', 'failed'],
];

describe('liftbridge: how a subscription ends', () => {
  for (const [code, message, before, after] of endings) {
    it(`${code} ${message}`, () => {
      const status = { code, name: '', message };
      expect(endOf(status, false), 'before it was accepted').to.equal(before);
      expect(endOf(status, true), 'after it was accepted').to.equal(after);
    });
  }
});

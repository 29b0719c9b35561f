import { expect } from 'chai';
import { ClosedError } from '../../lib/core/errors.js';
import { lonelyps } from '../../lib/lonelyps/index.js';
import { refusal } from '../support/refusal.js';
import { within } from '../support/wait.js';
import { endless } from './leaks-kit.js';

describe('lonelyps: streams without an end, and the end of the handle', () => {
  for (const when of ['before', 'after'] as const) {
    it(`one that is published ${when} close() in the same turn is refused`, async () => {
      const handle = lonelyps({ broadcasters: 'http://127.0.0.1:1' });
      const closed = when === 'after' && handle.close();
      const error = refusal(handle.publish('topic', endless(10)));
      await (closed || handle.close());
      expect(await within(error, 5_000, 'the refusal')).to.be.instanceOf(ClosedError);
    });
  }
});

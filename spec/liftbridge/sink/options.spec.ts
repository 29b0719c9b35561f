import { expect } from 'chai';
import { checkOptions } from '../../../lib/core/check.js';
import { InvalidOptionError } from '../../../lib/core/errors.js';
import { sinkShape } from '../../../lib/core/settings.js';
import { byKey, roundRobin } from '../../../lib/liftbridge/partitioners.js';
import {
  checkSinkCombinations,
  liftbridgeSinkShape,
  resolveSinkSettings,
} from '../../../lib/liftbridge/sink/options.js';

function check(options: object): void {
  checkOptions("sink('s')", options, { ...sinkShape, ...liftbridgeSinkShape });
  checkSinkCombinations("sink('s')", options);
}

describe('The options of a Liftbridge sink', () => {
  it('are accepted', () => {
    check({});
    check({ partition: 0, ackPolicy: 'all', ackTimeout: Infinity, maxInFlight: 5, resend: true });
    for (const partition of [byKey(), roundRobin(), () => 1, 2 ** 31 - 1]) check({ partition });
  });

  const bad: [object, string][] = [
    [{ partition: -1 }, 'partition must be'],
    [{ partition: 1.5 }, 'partition must be'],
    [{ partition: 2 ** 31 }, 'partition must be'],
    [{ partition: 'x' }, 'partition must be'],
    [{ partition: byKey }, 'partition is what byKey() gives'],
    [{ partition: roundRobin }, 'partition is what roundRobin() gives'],
    [{ ackPolicy: 'quorum' }, "'leader', 'all', 'none'"],
    [{ ackPolicy: 'leaders' }, "did you mean 'leader'?"],
    [{ ackTimeout: 0 }, 'ackTimeout must be'],
    [{ key: 'x' }, "there is no option 'key'"],
  ];
  for (const [options, problem] of bad) {
    it(`are refused: ${problem}`, () => {
      expect(() => {
        check(options);
      }).to.throw(InvalidOptionError, problem);
    });
  }

  it('have defaults', () => {
    expect(resolveSinkSettings({}, 7)).to.deep.equal({ partition: 0, ackPolicy: 'leader', ackTimeout: 7 });
    expect(resolveSinkSettings({ ackTimeout: 3 }, 7).ackTimeout).to.equal(3);
  });
});

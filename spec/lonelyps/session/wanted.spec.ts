import { expect } from 'chai';
import { Settling } from '../../../lib/lonelyps/session/settling.js';
import { Wanted } from '../../../lib/lonelyps/session/wanted.js';
import { ManualClock, settled } from '../../support/manual-clock.js';
import { exact, glob } from './session-kit.js';

describe('lonelyps wanted', () => {
  it('counts, and tells the first and the last of a turn together', async () => {
    let changes = 0;
    const wanted = new Wanted(new ManualClock(), () => changes++);
    wanted.add(exact('a'));
    wanted.add(exact('a'));
    wanted.add(glob('a'));
    expect(changes).to.equal(0);
    await settled();
    expect(changes).to.equal(1);
    expect([...wanted.keys()]).to.deep.equal(['=a', '*a']);
    wanted.remove(exact('a'));
    await settled();
    expect(changes).to.equal(1);
    wanted.remove(exact('a'));
    wanted.remove(exact('never'));
    expect(wanted.has('=a')).to.equal(false);
    await settled();
    expect(changes).to.equal(2);
  });
});

describe('lonelyps settling', () => {
  it('waits for each key, unless it is not wanted any more', async () => {
    const settling = new Settling();
    const resolved: string[] = [];
    void settling.wait(['a', 'b']).then(() => resolved.push('ab'));
    void settling.wait(['b', 'c']).then(() => resolved.push('bc'));
    void settling.wait([]).then(() => resolved.push('none'));
    settling.met(['a']);
    await settled();
    expect(resolved).to.deep.equal(['none']);
    settling.keep((key) => key !== 'b');
    await settled();
    expect(resolved).to.deep.equal(['none', 'ab']);
    settling.end();
    await settled();
    expect(resolved).to.deep.equal(['none', 'ab', 'bc']);
  });
});

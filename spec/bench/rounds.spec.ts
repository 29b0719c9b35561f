import { expect } from 'chai';
import type { Comparison } from '../../bench/benches.js';
import { benches } from '../../bench/benches.js';
import { contenders } from '../../bench/contenders/index.js';
import { layOut, summarise } from '../../bench/report.js';
import { runRounds } from '../../bench/rounds.js';
import { readSettings } from '../../bench/settings.js';
import { built } from '../package/built.js';

const settings = readSettings(['memory', '--rounds', '2', '--messages', '40', '--window', '8', '--size', '16']);
const noServer = async (): Promise<undefined> => undefined;

const memory: Comparison = {
  title: 'memory',
  entrants: [
    { label: 'publish', contender: 'memory', task: 'publish' },
    { label: 'sink', contender: 'memory', task: 'sink' },
    { label: 'replay', contender: 'memory', task: 'replay' },
  ],
  baselines: ['publish'],
};

describe('bench', () => {
  // what is measured is the built package
  before(() => built());

  it('measures each entrant once a round, in a process of its own', async () => {
    const series = await runRounds(memory, settings, noServer);
    expect(series.map(({ label }) => label)).to.deep.equal(['publish', 'sink', 'replay']);
    for (const { rate, cpu, memory } of series) {
      expect(rate).to.have.length(2);
      expect(cpu).to.have.length(2);
      expect(memory).to.have.length(2);
      for (const value of [...rate, ...cpu, ...memory]) expect(value).to.be.above(0);
    }
  });

  it('says what failed in a child', async () => {
    const broken = { title: 'broken', entrants: [{ label: 'none', contender: 'memory', task: 'none' }] };
    const outcome = await runRounds(broken, settings, noServer).catch((error: unknown) => error);
    expect(outcome).to.be.an('error');
    expect((outcome as Error).message).to.match(/^memory none failed: TypeError/);
  });

  it('divides medians by those of the baseline, and tells which targets were reached', () => {
    const targets = [
      { label: 'quick', rate: 2, cpu: 0.5 },
      { label: 'greedy', rate: 2, cpu: 0.5 },
    ];
    const report = summarise({ title: 'made up', entrants: [], baselines: ['base'], targets }, [
      { label: 'base', rate: [90, 100, 5000], cpu: [10, 8, 12], memory: [5e7] },
      { label: 'quick', rate: [200, 1, 300], cpu: [4, 5, 6], memory: [7e7, 6e7] },
      { label: 'greedy', rate: [250, 250], cpu: [5, 7], memory: [1e6] },
    ]);
    const [base, quick, greedy] = report.rows;
    expect(base?.rate).to.deep.equal({ median: 100, min: 90, max: 5000 });
    expect(base?.targets).to.deep.equal([]);
    expect(quick?.ratios).to.deep.equal([{ against: 'base', rate: 2, cpu: 0.5 }]);
    expect(quick?.targets.map(({ reached }) => reached)).to.deep.equal([true]);
    expect(greedy?.ratios).to.deep.equal([{ against: 'base', rate: 2.5, cpu: 0.6 }]);
    expect(greedy?.targets.map(({ reached }) => reached)).to.deep.equal([false]);
    const table = layOut(report);
    expect(table).to.contain('  reached: quick').and.to.contain('  NOT REACHED: greedy');
  });

  it('divides by several baselines, and says nothing of one that was not measured', () => {
    const targets = [
      { label: 'ours', against: 'slow', rate: 3 },
      { label: 'ours', against: 'fast', rate: 1 },
      { label: 'ours', against: 'absent', rate: 1 },
    ];
    const baselines = ['slow', 'absent', 'fast'];
    const report = summarise({ title: 'made up', entrants: [], baselines, targets }, [
      { label: 'ours', rate: [300], cpu: [2], memory: [1e6] },
      { label: 'fast', rate: [400], cpu: [1], memory: [1e6] },
      { label: 'slow', rate: [100], cpu: [8], memory: [1e6] },
    ]);
    const [ours] = report.rows;
    expect(ours?.ratios).to.deep.equal([
      { against: 'slow', rate: 3, cpu: 0.25 },
      { against: 'fast', rate: 0.75, cpu: 2 },
    ]);
    expect(ours?.targets.map(({ against, reached }) => [against, reached])).to.deep.equal([
      ['slow', true],
      ['fast', false],
    ]);
    const table = layOut(report);
    expect(table).to.contain('× rate [2]').and.to.contain('  [2] times that of fast');
    expect(table).to.contain('  reached: ours, rate ≥ 3 times that of slow').and.not.to.contain('absent');
  });

  it('refuses a bench that is not there, an unknown option and a number that is none', () => {
    expect(() => readSettings(['rivers'])).to.throw("there is no bench 'rivers'");
    expect(() => readSettings(['--speed', '3'])).to.throw('--speed');
    expect(() => readSettings(['--rounds', '0'])).to.throw("--rounds must be a whole number of 1 or more; got '0'");
    expect(readSettings([]).names).to.deep.equal(Object.keys(benches));
  });

  it('has the code and the task of each entrant', async () => {
    for (const { comparisons } of Object.values(benches)) {
      for (const { entrants, filledBy, baselines = [], targets = [] } of comparisons) {
        for (const { contender, task } of [...entrants, ...(filledBy === undefined ? [] : [filledBy])]) {
          expect(await contenders[contender]!(), contender).to.have.property(task);
        }
        const labels = entrants.map(({ label }) => label);
        expect(labels).to.include.members(targets.map(({ label }) => label));
        expect(labels).to.include.members(baselines);
        expect(baselines).to.include.members(targets.map(({ against = baselines[0] }) => against));
      }
    }
  });
});

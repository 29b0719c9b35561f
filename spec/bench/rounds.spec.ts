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
  baseline: 'publish',
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
    const report = summarise({ title: 'made up', entrants: [], baseline: 'base', targets }, [
      { label: 'base', rate: [90, 100, 5000], cpu: [10, 8, 12], memory: [5e7] },
      { label: 'quick', rate: [200, 1, 300], cpu: [4, 5, 6], memory: [7e7, 6e7] },
      { label: 'greedy', rate: [250, 250], cpu: [5, 7], memory: [1e6] },
    ]);
    const [base, quick, greedy] = report.rows;
    expect(base?.rate).to.deep.equal({ median: 100, min: 90, max: 5000 });
    expect(base?.target).to.equal(undefined);
    expect(quick?.ratio).to.deep.equal({ rate: 2, cpu: 0.5 });
    expect(quick?.target?.reached).to.equal(true);
    expect(greedy?.ratio).to.deep.equal({ rate: 2.5, cpu: 0.6 });
    expect(greedy?.target?.reached).to.equal(false);
    const table = layOut(report);
    expect(table).to.contain('  reached: quick').and.to.contain('  NOT REACHED: greedy');
  });

  it('refuses a bench that is not there, an unknown option and a number that is none', () => {
    expect(() => readSettings(['rivers'])).to.throw("there is no bench 'rivers'");
    expect(() => readSettings(['--speed', '3'])).to.throw('--speed');
    expect(() => readSettings(['--rounds', '0'])).to.throw("--rounds must be a whole number of 1 or more; got '0'");
    expect(readSettings([]).names).to.deep.equal(Object.keys(benches));
  });

  it('has the code and the task of each entrant', async () => {
    for (const { comparisons } of Object.values(benches)) {
      for (const { entrants, filledBy, baseline, targets = [] } of comparisons) {
        for (const { contender, task } of [...entrants, ...(filledBy === undefined ? [] : [filledBy])]) {
          expect(await contenders[contender]!(), contender).to.have.property(task);
        }
        const labels = entrants.map(({ label }) => label);
        expect(labels).to.include.members(targets.map(({ label }) => label));
        if (baseline !== undefined) expect(labels).to.include(baseline);
      }
    }
  });
});

import { expect } from 'chai';
import { longestFirst, specFiles } from '../../../scripts/lanes/order.js';
import { fileReport, otherFailure, slowest, type FileReport, type RunReport } from '../../../scripts/lanes/report.js';
import { mostUnsteady, runSteadily, unsteadyLines } from '../../../scripts/lanes/steady.js';
import { pack, unpack, type FileEvent } from '../../../scripts/lanes/wire.js';

const failed = (...path: string[]): FileEvent => ({ type: 'fail', path, error: pack(new Error(path.at(-1))) });
const passed = (...path: string[]): FileEvent => ({ type: 'pass', path, duration: 1, slow: 2 });

describe('scripts/lanes: the order of files', () => {
  it('is the longest first, then those that nobody knows, then the quick ones by their names', () => {
    const order = longestFirst(['c', 'new', 'b', 'slow', 'slower'], { slow: 40, slower: 50, b: 2, c: 2 });
    expect(order).to.deep.equal(['slower', 'slow', 'new', 'b', 'c']);
  });

  it('has every file once', () => {
    const files = specFiles();
    expect(files)
      .to.include('spec/support/lanes/logic.spec.ts')
      .and.to.deep.equal([...new Set(files)]);
    const folder = specFiles(['spec/support/lanes/', 'spec/support/lanes/logic.spec.ts']);
    expect(folder).to.deep.equal(['spec/support/lanes/logic.spec.ts', 'spec/support/lanes/runs.spec.ts']);
  });
});

describe('scripts/lanes: errors between processes', () => {
  it('keep their words, their stack, what is compared and what caused them', () => {
    const cause = new TypeError('inner');
    const comparison = { actual: '1', expected: '2', offset: 5n, uncaught: true };
    const error = Object.assign(new Error('outer', { cause }), comparison);
    const packed = JSON.parse(JSON.stringify(pack(error))) as ReturnType<typeof pack>;
    const { message, stack } = error;
    expect(unpack(packed)).to.include({ message, stack, actual: '1', expected: '2', uncaught: true });
    expect(unpack(packed).cause).to.be.an('error').with.property('stack', cause.stack);
  });

  it('leave out what mocha would not compare, and the circle of causes', () => {
    const error = Object.assign(new Error('a'), { actual: 1n, expected: 2n });
    error.cause = new Error('b', { cause: error });
    const { actual, expected, cause } = pack(error);
    expect([actual, expected, cause?.message, cause?.cause]).to.deep.equal([undefined, undefined, 'b', undefined]);
  });

  it('are made of what is no error', () => {
    expect(pack('words').message).to.equal('words was thrown, which is no Error');
    expect(pack(undefined).message).to.equal('undefined was thrown, which is no Error');
  });
});

describe('scripts/lanes: the slowest files', () => {
  it('are listed in seconds, with the sum of all', () => {
    const files = [3, 120.26, 7].map((seconds, n) => fileReport(`${n}.spec.ts`, seconds, []));
    expect(slowest({ files, others: [] }, 2)).to.deep.equal([
      'The slowest spec files, in seconds:',
      '  120.3  1.spec.ts',
      '    7.0  2.spec.ts',
      'All 3 took 130 seconds together.',
    ]);
  });
});

describe('scripts/lanes: the second run', () => {
  const steady = fileReport('steady', 1, [passed('steady', 'one'), passed('steady', 'two')]);

  /** Gives these reports, one after the other, and notes what was asked for. */
  const runs = (...reports: RunReport[]) => {
    const asked: unknown[] = [];
    const told: unknown[] = [];
    const run = (files: readonly string[], lanes: number): Promise<RunReport> => {
      asked.push([files, lanes]);
      return Promise.resolve(reports.shift()!);
    };
    return { asked, told, result: runSteadily(['a', 'b', 'steady'], 2, run, (files) => told.push(files)) };
  };
  const report = (...files: FileReport[]): RunReport => ({ files, others: [] });
  const file = (name: string, ...events: FileEvent[]): FileReport => fileReport(name, 1, events);

  it('is not, where nothing failed', async () => {
    const { asked, told, result } = runs(report(steady));
    expect(await result).to.deep.include({ passed: 2, failed: 0, unsteady: [] });
    expect([asked, told]).to.deep.equal([[[['a', 'b', 'steady'], 2]], []]);
  });

  it('has the files with failures alone, and counts them as they were then', async () => {
    const first = report(file('b', failed('b', 'x')), steady, file('a', passed('a', 'y'), failed('a', 'z')));
    const second = report(file('a', passed('a', 'y'), passed('a', 'z')), file('b', passed('b', 'x')));
    const { asked, told, result } = runs(first, second);
    const { passed: passes, failed: failures, unsteady } = await result;
    expect([passes, failures]).to.deep.equal([5, 0]);
    expect(unsteady.map(({ path, error }) => [path.join(' '), error.message])).to.deep.equal([
      ['b x', 'x'],
      ['a z', 'z'],
    ]);
    expect(asked[1]).to.deep.equal([['a', 'b'], 1]);
    expect(told).to.deep.equal([['a', 'b']]);
  });

  it('fails what fails in it, whether or not that had failed before', async () => {
    const first = report(file('a', failed('a', 'x'), failed('a', 'y'), passed('a', 'z')), steady);
    const second = report(file('a', failed('a', 'x'), passed('a', 'y'), failed('a', 'z')));
    const { passed: passes, failed: failures, unsteady } = await runs(first, second).result;
    expect([passes, failures]).to.deep.equal([3, 2]);
    expect(unsteady.map(({ path }) => path.join(' '))).to.deep.equal(['a y']);
  });

  it('does not call steady what did not run in it', async () => {
    const first = report(file('a', failed('a', '"before all" hook')));
    const { unsteady, failed: failures } = await runs(first, report(file('a', failed('a', 'cannot be loaded')))).result;
    expect([unsteady, failures]).to.deep.equal([[], 1]);
  });

  it('is not, where many failed', async () => {
    const many = Array.from({ length: mostUnsteady + 1 }, (_, n) => failed('a', String(n)));
    const { asked, result } = runs(report(file('a', ...many), steady));
    expect(await result).to.include({ passed: 2, failed: mostUnsteady + 1 });
    expect(asked).to.have.lengthOf(1);
  });

  it('is no excuse for a process that does not end', async () => {
    const others = [otherFailure('the process of a lane', 'It ended with code 1 when its files were done.')];
    const { asked, result } = runs({ files: [steady], others });
    expect(await result).to.include({ passed: 2, failed: 1 });
    expect(asked).to.have.lengthOf(1);
  });

  it('is told in words that nobody overlooks', () => {
    const lines = unsteadyLines(file('a', failed('a', 'x')).failures).join('\n');
    expect(lines).to.match(
      /^!+\nUNSTEADY: passed only in a second run:\n\n {2}a > x\n {4}Error: x\n[^]*1 spec is unsteady/,
    );
    expect(unsteadyLines([])).to.deep.equal([]);
  });
});

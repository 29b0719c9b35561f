import { expect } from 'chai';
import { fileURLToPath } from 'node:url';
import { command } from '../support/command.js';
import type { ZoneReport } from './zone-program.js';

describe('angular: with zone.js', () => {
  let report: ZoneReport;

  before(async () => {
    const program = fileURLToPath(new URL('zone-program.ts', import.meta.url));
    const printed = await command(process.execPath, ['--import', 'tsx', program], { install: '', timeout: 30_000 });
    report = JSON.parse(printed.trim().split('\n').at(-1) ?? '') as ZoneReport;
  });

  it("keeps the broker's timers from making the application wait", () => {
    expect(report.pending).to.deep.equal({ byHand: true, injected: false });
  });

  it('calls the handle outside of the zone, whoever calls', () => {
    expect(report.called).to.include.members(['connect', 'publish', 'sink', 'publishTo']);
    expect(report.calledInside).to.deep.equal([]);
    expect(report.sameStatus).to.be.true;
  });

  it('emits where it was subscribed to', () => {
    const { inside, outside } = report.emitted;
    expect([inside.length, inside.includes(false)]).to.deep.equal([50, false]);
    expect([outside.length, outside.includes(true)]).to.deep.equal([50, false]);
    expect([report.sinkEmitted, report.receipts]).to.deep.equal([[true], [true, true]]);
  });

  it('shows what came, with a field and with a signal', () => {
    expect([report.field, report.signal]).to.deep.equal(['49', '49']);
  });

  it('checks once for many values of a signal', () => {
    expect(report.checks.field).to.be.above(50);
    expect(report.checks.signal).to.be.below(10);
  });
});

import { expect } from 'chai';

import { guarded, silent } from '../../lib/core/logger.js';
import type { Logger } from '../../lib/core/logger.js';

const levels = ['debug', 'info', 'warn', 'error'] as const;

describe('guarded', () => {
  it('is silent without a logger', () => {
    expect(guarded(undefined)).to.equal(silent);
    for (const level of levels)
      expect(() => {
        silent[level]('x', 1);
      }).not.to.throw();
  });

  it('passes on message and details, on the logger itself', () => {
    class Collector implements Logger {
      readonly lines: unknown[][] = [];
      debug(...line: unknown[]): void {
        this.lines.push(['debug', ...line]);
      }
      info(...line: unknown[]): void {
        this.lines.push(['info', ...line]);
      }
      warn(...line: unknown[]): void {
        this.lines.push(['warn', ...line]);
      }
      error(...line: unknown[]): void {
        this.lines.push(['error', ...line]);
      }
    }
    const collector = new Collector();
    const logger = guarded(collector);
    for (const level of levels) logger[level]('said', 1, { two: 2 });
    expect(collector.lines).to.deep.equal(levels.map((level) => [level, 'said', 1, { two: 2 }]));
  });

  it('drops what a logger throws', () => {
    const broken = (): never => {
      throw new Error('disk full');
    };
    const logger = guarded({ debug: broken, info: broken, warn: broken, error: broken });
    for (const level of levels) {
      expect(() => {
        logger[level]('x');
      }).not.to.throw();
    }
  });
});

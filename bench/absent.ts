import { gufoLiftbridge } from '../spec/support/peers/gufo-liftbridge.js';
import { pythonLonelypsc } from '../spec/support/peers/python-lonelypsc.js';
import { pythonRstream } from '../spec/support/peers/python-rstream.js';
import type { Comparison } from './benches.js';
import { goLiftbridgeProgram } from './contenders/go-liftbridge.js';

/** What contenders need that may not be had here, by the contender's key. */
const needs: Readonly<Record<string, () => Promise<unknown>>> = {
  'go-liftbridge': goLiftbridgeProgram,
  'gufo-liftbridge': gufoLiftbridge,
  lonelypsc: pythonLonelypsc,
  rstream: pythonRstream,
};

/** A comparison without those entrants who cannot run here, and for each of them a line that says why. */
export async function whoIsThere(
  comparison: Comparison,
): Promise<{ readonly comparison: Comparison; readonly notes: readonly string[] }> {
  const entrants = [];
  const notes = [];
  for (const entrant of comparison.entrants) {
    try {
      await needs[entrant.contender]?.();
      entrants.push(entrant);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      notes.push(`left out: ${entrant.label}. ${reason.split('\n', 1)[0]}`);
    }
  }
  return { comparison: { ...comparison, entrants }, notes };
}

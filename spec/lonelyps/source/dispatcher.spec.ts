import { expect } from 'chai';
import { silent } from '../../../lib/core/logger.js';
import { systemClock } from '../../../lib/core/clock.js';
import type { Arrival } from '../../../lib/lonelyps/connection/http.js';
import { Dispatcher } from '../../../lib/lonelyps/source/dispatcher.js';

describe('lonelyps/source: a message that nobody listens to', () => {
  it('is answered as such, and its body is dropped', () => {
    const said: string[] = [];
    const dispatcher = new Dispatcher({
      clock: systemClock,
      log: silent,
      answerWithin: 4_000,
      onMiss: () => undefined,
    });
    dispatcher.arrived({
      topic: Uint8Array.of(97),
      body: { discard: () => said.push('discarded') } as unknown as Arrival['body'],
      accept: () => said.push('accepted'),
      refuse: () => said.push('refused'),
      unwanted: () => said.push('unwanted'),
    });
    expect(said).to.deep.equal(['unwanted', 'discarded']);
  });
});

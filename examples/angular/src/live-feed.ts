import { Component, signal } from '@angular/core';
import { injectBroker, injectRecent } from 'rx-weir/angular';
import { LIVE } from './brokers.js';
import { ReadingsTable } from './readings-table.js';
import { reading } from './reading.js';

/** Each message as it is sent. With the component goes its subscription at the broadcaster. */
@Component({
  selector: 'app-live-feed',
  imports: [ReadingsTable],
  template: `
    <div class="bar controls">
      <select #choice aria-label="topics" (change)="glob.set(choice.value)">
        <option value="rooms/*">all rooms</option>
        <option value="rooms/kitchen">the kitchen</option>
      </select>
      <form class="bar" (submit)="$event.preventDefault(); send(degrees.valueAsNumber)">
        <input #degrees type="number" value="21" step="0.5" aria-label="degrees" />
        <button class="main">Send</button>
      </form>
    </div>
    <app-readings [readings]="readings()" />
    <p class="outcome">{{ outcome() }}</p>
  `,
})
export class LiveFeed {
  protected readonly glob = signal('rooms/*');
  protected readonly readings = injectRecent(() => ({ glob: this.glob() }), {
    broker: LIVE,
    codec: reading,
    onDecodeError: 'skip',
    size: 6,
  });
  protected readonly outcome = signal('');
  private readonly broker = injectBroker(LIVE);

  protected async send(celsius: number): Promise<void> {
    try {
      const { notified } = await this.broker.publish('rooms/kitchen', { room: 'kitchen', celsius }, { codec: reading });
      this.outcome.set(`Sent; ${notified ?? 0} heard it.`);
    } catch (error) {
      this.outcome.set(String(error));
    }
  }
}

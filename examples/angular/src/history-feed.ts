import { Component } from '@angular/core';
import { earliest } from 'rx-weir';
import { injectRecent } from 'rx-weir/angular';
import { HISTORY } from './brokers.js';
import { ReadingsTable } from './readings-table.js';
import { reading } from './reading.js';

/** All that the channel keeps, replayed whenever the component is made. */
@Component({
  selector: 'app-history-feed',
  imports: [ReadingsTable],
  template: '<app-readings [readings]="readings()" />',
})
export class HistoryFeed {
  protected readonly readings = injectRecent('rooms', {
    broker: HISTORY,
    codec: reading,
    onDecodeError: 'skip',
    start: earliest(),
    size: 6,
  });
}

import { Component, computed, input } from '@angular/core';
import type { Reading } from './reading.js';

@Component({
  selector: 'app-readings',
  template: `
    <table>
      @for (each of newestFirst(); track $index) {
        <tr>
          <td>{{ each.room }}</td>
          <td class="meter"><div [style.width.%]="each.celsius * 2.5"></div></td>
          <td>{{ each.celsius.toFixed(1) }} °C</td>
        </tr>
      } @empty {
        <tr>
          <td class="none">Nothing yet.</td>
        </tr>
      }
    </table>
  `,
})
export class ReadingsTable {
  readonly readings = input.required<readonly Reading[]>();
  protected readonly newestFirst = computed(() => this.readings().toReversed());
}

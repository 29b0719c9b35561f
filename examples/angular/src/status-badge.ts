import { Component, input } from '@angular/core';
import type { Status } from 'rx-weir';

@Component({
  selector: 'app-status',
  template: '<span class="badge {{ status().state }}">{{ status().state }}</span>',
})
export class StatusBadge {
  readonly status = input.required<Status>();
}

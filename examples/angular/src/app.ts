import { Component, signal } from '@angular/core';
import { injectBrokerStatus } from 'rx-weir/angular';
import { HISTORY, LIVE } from './brokers.js';
import { HistoryFeed } from './history-feed.js';
import { LiveFeed } from './live-feed.js';
import { StatusBadge } from './status-badge.js';

@Component({
  selector: 'app-root',
  imports: [HistoryFeed, LiveFeed, StatusBadge],
  template: `
    <main>
      <h1>Rooms</h1>
      <p>Two brokers in one page, each over a websocket. Closing a card unsubscribes at its broker.</p>
      <div class="cards">
        <section class="card" id="live">
          <div class="bar">
            <h2>Live: lonelyps</h2>
            <app-status [status]="live()" />
            <button class="toggle" (click)="showLive.set(!showLive())">{{ showLive() ? 'Close' : 'Open' }}</button>
          </div>
          @if (showLive()) {
            <app-live-feed />
          }
        </section>
        <section class="card" id="history">
          <div class="bar">
            <h2>History: NATS Streaming</h2>
            <app-status [status]="history()" />
            <button class="toggle" (click)="showHistory.set(!showHistory())">
              {{ showHistory() ? 'Close' : 'Open' }}
            </button>
          </div>
          @if (showHistory()) {
            <app-history-feed />
          }
        </section>
      </div>
    </main>
  `,
})
export class App {
  protected readonly live = injectBrokerStatus({ broker: LIVE });
  protected readonly history = injectBrokerStatus({ broker: HISTORY });
  protected readonly showLive = signal(true);
  protected readonly showHistory = signal(true);
}

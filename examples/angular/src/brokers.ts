import type { EnvironmentProviders } from '@angular/core';
import { brokerToken, provideBroker, withConnect, withName } from 'rx-weir/angular';
import { lonelyps, type LonelypsBroker } from 'rx-weir/lonelyps';
import { natsStreaming, type NatsStreamingBroker } from 'rx-weir/nats-streaming';

/** What happens: lonelyps keeps nothing. */
export const LIVE = brokerToken<LonelypsBroker>('live');

/** What has happened: NATS Streaming keeps it. */
export const HISTORY = brokerToken<NatsStreamingBroker>('history');

const reconnect = { initial: true, initialDelay: 200, maxDelay: 2_000 };

/** Where they are may be said in the page's address: `?live=ws://…&history=ws://…&cluster=…`. */
export function provideBrokers(): EnvironmentProviders[] {
  const given = new URLSearchParams(location.search);
  const live = given.get('live') ?? 'ws://localhost:3003';
  const servers = given.get('history') ?? 'ws://localhost:9222';
  const clusterId = given.get('cluster') ?? 'test-cluster';
  return [
    provideBroker(() => lonelyps({ broadcasters: live, reconnect }), withName(LIVE), withConnect()),
    provideBroker(
      () => natsStreaming({ servers, clusterId, clientId: `page-${crypto.randomUUID()}`, reconnect }),
      withName(HISTORY),
      withConnect(),
    ),
  ];
}

import { systemClock } from '../core/clock.js';
import { StanBroker, type NatsStreamingBroker } from './broker.js';
import { createConnector, type ConnectNats } from './connection/connection.js';
import { resolveOptions, type NatsStreamingOptions } from './options.js';

/** Makes the factory function, over the way in which this platform connects. @internal */
export function factory(connect: ConnectNats): (options: NatsStreamingOptions) => NatsStreamingBroker {
  return (options) => {
    const resolved = resolveOptions(options);
    return new StanBroker(
      resolved,
      createConnector(options, resolved, connect, systemClock),
    ) as unknown as NatsStreamingBroker;
  };
}

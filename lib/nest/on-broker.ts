import type { HandlerOptions } from './handler-options.js';
import { BROKER } from './handler-options.js';
import { nestMicroservices } from './packages.js';
import type { ChannelPattern } from './patterns.js';

/**
 * `@EventPattern` of Nest with typed options, for the handlers of a {@link BrokerServer}.
 * @param pattern - the channel; an array subscribes to several
 * @param options - how its messages come and when they are acked
 * @param transport - which server, where there are several
 */
export function OnBrokerEvent(
  pattern: string | ChannelPattern | readonly (string | ChannelPattern)[],
  options: HandlerOptions = {},
  transport: symbol = BROKER,
): MethodDecorator {
  return nestMicroservices().EventPattern<unknown>(pattern, transport, { ...options });
}

/** `@MessagePattern` of Nest with typed options: what the handler returns or emits is sent to who asked. */
export function OnBrokerRequest(
  pattern: string | ChannelPattern | readonly (string | ChannelPattern)[],
  options: HandlerOptions = {},
  transport: symbol = BROKER,
): MethodDecorator {
  return nestMicroservices().MessagePattern<unknown>(pattern, transport, { ...options });
}

import { nestCommon } from './packages.js';
import { getBrokerToken, getSinkToken, getSourceToken } from './tokens.js';

/** Decorates a parameter of a constructor, or a property. */
export type InjectDecorator = ParameterDecorator & PropertyDecorator;

/**
 * Injects a broker's handle.
 * @param name - as `BrokerModule.forRoot` was told; without it, the broker without a name
 */
export function InjectBroker(name?: string): InjectDecorator {
  return nestCommon().Inject(getBrokerToken(name));
}

/**
 * Injects a source of `BrokerModule.forFeature`: an `Observable<Delivery<T>>`, of which you settle each delivery.
 * @param broker - the name of its broker; without it, the broker without a name
 */
export function InjectSource(source: string, broker?: string): InjectDecorator {
  return nestCommon().Inject(getSourceToken(source, broker));
}

/**
 * Injects a sink of `BrokerModule.forFeature`: a `Sink<T>`, a Subject that publishes.
 * @param broker - the name of its broker; without it, the broker without a name
 */
export function InjectSink(sink: string, broker?: string): InjectDecorator {
  return nestCommon().Inject(getSinkToken(sink, broker));
}

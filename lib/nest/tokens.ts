import { checkValue, text } from '../core/check.js';

/** The name of a broker that was given none. */
export const defaultBroker = 'default';

/**
 * The injection token of a broker's handle.
 * @param name - as `BrokerModule.forRoot` was told; without it, the broker without a name
 * @throws InvalidOptionError
 */
export function getBrokerToken(name: string = defaultBroker): string {
  return `rx-weir broker ${quoted('getBrokerToken()', name)}`;
}

/**
 * The injection token of a source of `BrokerModule.forFeature`.
 * @param broker - the name of its broker; without it, the broker without a name
 * @throws InvalidOptionError
 */
export function getSourceToken(source: string, broker: string = defaultBroker): string {
  return `rx-weir source ${quoted('getSourceToken()', source)} of broker ${quoted('getSourceToken()', broker)}`;
}

/**
 * The injection token of a sink of `BrokerModule.forFeature`.
 * @param broker - the name of its broker; without it, the broker without a name
 * @throws InvalidOptionError
 */
export function getSinkToken(sink: string, broker: string = defaultBroker): string {
  return `rx-weir sink ${quoted('getSinkToken()', sink)} of broker ${quoted('getSinkToken()', broker)}`;
}

/** The token of what `forRoot` or `forRootAsync` was told of a broker. @internal */
export function settingsToken(name: string): string {
  return `rx-weir settings of broker '${name}'`;
}

/** The token of a broker with its life and its sources. @internal */
export function managedToken(name: string): string {
  return `rx-weir life of broker '${name}'`;
}

/** The token of the one {@link BrokerRegistry} of an app. @internal */
export const registryToken = 'rx-weir brokers';

/** As Nest prints a token that it cannot resolve: in quotes, a name with a space in it can be no other name. */
function quoted(where: string, name: string): string {
  checkValue(where, 'name', name, text());
  return `'${name}'`;
}

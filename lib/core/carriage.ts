/** What a broker carries beside a message's bytes. @internal */
export interface Carriage {
  readonly key: boolean;
  readonly headers: boolean;
}

/** Under which a handle tells its {@link Carriage} to `bridgeTo`. @internal */
export const carries: unique symbol = Symbol.for('rx-weir.broker.carries') as never;

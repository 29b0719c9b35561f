/** What a handle holds at this moment. */
export interface Load {
  /** Deliveries emitted and neither settled nor released. */
  readonly inFlight: number;
  /** Values accepted for publishing and not yet confirmed. */
  readonly unconfirmed: number;
}

/** Under which a handle tells its {@link Load} to what measures it. @internal */
export const load: unique symbol = Symbol.for('rx-weir.broker.load') as never;

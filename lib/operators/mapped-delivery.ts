import { BaseDelivery, type Delivery } from '../core/delivery.js';
import { originOf, Wrapper, wrapperClasses } from '../core/wrapper.js';

/** A delivery with another value; everything else, also what only its broker has, is as it was. */
export type Mapped<D extends Delivery<unknown>, R> = Omit<D, 'value'> & Delivery<R>;

/** What all mapped deliveries have in common. */
class MappedDelivery extends Wrapper {
  constructor(
    delivery: Delivery<unknown>,
    readonly value: unknown,
  ) {
    super(delivery);
  }

  override toJSON(): Record<string, unknown> {
    // the base's own words for the value, which is text where it is bytes
    const { value } = BaseDelivery.prototype.toJSON.call(this as unknown as BaseDelivery<unknown>);
    return { ...super.toJSON(), value };
  }
}

const classOf = wrapperClasses(MappedDelivery, ['value']);

/** The same delivery with another value. @internal */
export function withValue<D extends Delivery<unknown>, R>(delivery: D, value: R): Mapped<D, R> {
  const unmapped = delivery instanceof MappedDelivery ? originOf(delivery) : delivery;
  return new (classOf(unmapped))(unmapped, value) as unknown as Mapped<D, R>;
}

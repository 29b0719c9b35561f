import { BaseDelivery, place, placeOf, type Delivery } from '../core/delivery.js';

/** A delivery with another value; everything else, also what only its broker has, is as it was. */
export type Mapped<D extends Delivery<unknown>, R> = Omit<D, 'value'> & Delivery<R>;

const inspect = Symbol.for('nodejs.util.inspect.custom');
/** A symbol, so that no broker's member can have the same name. */
const origin = Symbol('origin');

/** What all mapped deliveries have in common; the members of each kind of delivery are added by a subclass. */
class MappedDelivery {
  readonly [origin]: Delivery<unknown>;

  constructor(
    delivery: Delivery<unknown>,
    readonly value: unknown,
  ) {
    this[origin] = delivery;
  }

  get settled(): boolean {
    return this[origin].settled;
  }

  get [place](): object {
    return placeOf(this[origin]);
  }

  ack(): void {
    this[origin].ack();
  }

  release(): void {
    this[origin].release();
  }

  toJSON(): Record<string, unknown> {
    // the base's own words for the value, which is text where it is bytes
    const { value } = BaseDelivery.prototype.toJSON.call(this as unknown as BaseDelivery<unknown>);
    return { ...this[origin].toJSON(), value };
  }

  [inspect](): Record<string, unknown> {
    return { ...this.toJSON(), value: this.value };
  }
}

type MappedClass = new (delivery: Delivery<unknown>, value: unknown) => MappedDelivery;

interface Kind {
  /** The origin's own enumerable members that the class was made for. */
  readonly own: readonly string[];
  readonly mapped: MappedClass;
}

/**
 * A class per kind of delivery, told by its prototype. Neither `Object.create(delivery)`, which gives each wrapper a
 * shape of its own and so makes every later access slow, nor a Proxy, which is slow itself; and, unlike these, getters
 * and methods run on the origin, so that private members work.
 */
const kinds = new WeakMap<object, Kind>();

/** The same delivery with another value. @internal */
export function withValue<D extends Delivery<unknown>, R>(delivery: D, value: R): Mapped<D, R> {
  const unmapped = delivery instanceof MappedDelivery ? delivery[origin] : delivery;
  return new (mappedClassOf(unmapped))(unmapped, value) as unknown as Mapped<D, R>;
}

function mappedClassOf(delivery: Delivery<unknown>): MappedClass {
  const prototype = (Object.getPrototypeOf(delivery) as object | null) ?? Object.prototype;
  const known = kinds.get(prototype);
  const own = Object.keys(delivery);
  if (known !== undefined && same(known.own, own)) return known.mapped;
  const mapped = makeMappedClass(delivery);
  kinds.set(prototype, { own, mapped });
  return mapped;
}

function makeMappedClass(delivery: object): MappedClass {
  const mapped = class extends MappedDelivery {};
  for (let level: object | null = delivery; level !== null && level !== Object.prototype; level = proto(level)) {
    for (const name of Reflect.ownKeys(level)) {
      // what is nearer goes first, and the members of the wrapper itself before all
      if (name === 'value' || Object.hasOwn(MappedDelivery.prototype, name) || Object.hasOwn(mapped.prototype, name))
        continue;
      Object.defineProperty(mapped.prototype, name, { ...delegate(level, name), configurable: true });
    }
  }
  return mapped;
}

function delegate(level: object, name: string | symbol): PropertyDescriptor {
  const { value } = Object.getOwnPropertyDescriptor(level, name) as PropertyDescriptor;
  if (typeof value !== 'function') {
    return {
      get(this: MappedDelivery) {
        return (this[origin] as unknown as Record<string | symbol, unknown>)[name];
      },
    };
  }
  return {
    value(this: MappedDelivery, ...given: unknown[]): unknown {
      return (this[origin] as unknown as Record<string | symbol, (...given: unknown[]) => unknown>)[name]?.(...given);
    },
  };
}

function proto(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

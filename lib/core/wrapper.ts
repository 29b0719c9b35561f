import { placeOf, place, type Delivery } from './delivery.js';

const inspect = Symbol.for('nodejs.util.inspect.custom');
/** A symbol, so that no broker's member can have the same name. */
const origin = Symbol('origin');

/** A delivery over another one: what a subclass does not say itself is as the origin says it. @internal */
export abstract class Wrapper {
  readonly [origin]: Delivery<unknown>;

  constructor(delivery: Delivery<unknown>) {
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
    return this[origin].toJSON();
  }

  [inspect](): Record<string, unknown> {
    return { ...this.toJSON(), value: (this as unknown as Delivery<unknown>).value };
  }
}

/** The delivery under a wrapper. @internal */
export function originOf(wrapper: Wrapper): Delivery<unknown> {
  return wrapper[origin];
}

type WrapperClass<A extends unknown[], W> = new (delivery: Delivery<unknown>, ...rest: A) => W;

interface Kind<C> {
  /** The origin's own enumerable members that the class was made for. */
  readonly own: readonly string[];
  readonly wrapped: C;
}

/**
 * Gives, for a delivery, the subclass of `base` that has all members of that kind of delivery. A class per kind, told by
 * its prototype: neither `Object.create(delivery)`, which gives each wrapper a shape of its own and so makes every later
 * access slow, nor a Proxy, which is slow itself; and, unlike these, getters and methods run on the origin, so that
 * private members work.
 * @param fields - what each instance of `base` has of its own
 * @internal
 */
export function wrapperClasses<A extends unknown[], W extends Wrapper>(
  base: WrapperClass<A, W>,
  fields: readonly string[],
): (delivery: Delivery<unknown>) => WrapperClass<A, W> {
  const kinds = new WeakMap<object, Kind<WrapperClass<A, W>>>();
  return (delivery) => {
    const prototype = (Object.getPrototypeOf(delivery) as object | null) ?? Object.prototype;
    const known = kinds.get(prototype);
    const own = Object.keys(delivery);
    if (known !== undefined && same(known.own, own)) return known.wrapped;
    const wrapped = makeClass(base, fields, delivery);
    kinds.set(prototype, { own, wrapped });
    return wrapped;
  };
}

function makeClass<A extends unknown[], W extends Wrapper>(
  base: WrapperClass<A, W>,
  fields: readonly string[],
  delivery: object,
): WrapperClass<A, W> {
  // an abstract mixin would need a constructor of any arguments; this one adds none
  const wrapped = class extends (base as unknown as WrapperClass<unknown[], Wrapper>) {} as unknown as WrapperClass<
    A,
    W
  >;
  const prototype = wrapped.prototype as object;
  for (let level: object | null = delivery; level !== null && level !== Object.prototype; level = proto(level)) {
    for (const name of Reflect.ownKeys(level)) {
      // what is nearer goes first, and the members of the wrapper itself before all
      const taken = name in base.prototype && !Object.hasOwn(Object.prototype, name);
      if (taken || name === 'constructor' || fields.includes(name as string) || Object.hasOwn(prototype, name))
        continue;
      Object.defineProperty(prototype, name, { ...delegate(level, name), configurable: true });
    }
  }
  return wrapped;
}

function delegate(level: object, name: string | symbol): PropertyDescriptor {
  const isMethod = typeof Object.getOwnPropertyDescriptor(level, name)?.value === 'function';
  if (!isMethod) {
    return {
      get(this: Wrapper) {
        return (this[origin] as unknown as Record<string | symbol, unknown>)[name];
      },
    };
  }
  return {
    value(this: Wrapper, ...given: unknown[]): unknown {
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

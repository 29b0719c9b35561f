/** The object that each facade stands before. */
const originals = new WeakMap<object, object>();

/**
 * An object that is in all respects as `target`, but for some members. Methods and accessors run on the target itself, so
 * that private members work, and nothing is looked up through a Proxy, which would make each call slow.
 * @internal
 */
export function facade<T extends object>(target: T, members: Readonly<Record<PropertyKey, unknown>>): T {
  const face = Object.create(proto(target)) as T;
  originals.set(face, target);
  for (const name of Reflect.ownKeys(members)) define(face, name, { value: members[name as string] });
  for (let level: object | null = target; level !== null && level !== Object.prototype; level = proto(level)) {
    for (const name of Reflect.ownKeys(level)) {
      if (name === 'constructor' || Object.hasOwn(face, name)) continue;
      define(face, name, delegate(target, level, name));
    }
  }
  return face;
}

/** What a facade stands before; anything else is itself. @internal */
export function originalOf<T extends object>(face: T): T {
  return (originals.get(face) ?? face) as T;
}

function delegate(target: object, level: object, name: PropertyKey): PropertyDescriptor {
  const value: unknown = Object.getOwnPropertyDescriptor(level, name)?.value;
  const owner = target as Record<PropertyKey, unknown>;
  // a field may hold another function tomorrow, a method of a class does not
  if (typeof value === 'function' && level !== target) {
    return { value: (value as (...given: unknown[]) => unknown).bind(target) };
  }
  return {
    get: () => owner[name],
    set: (given: unknown) => {
      owner[name] = given;
    },
  };
}

function define(face: object, name: PropertyKey, descriptor: PropertyDescriptor): void {
  Object.defineProperty(face, name, { ...descriptor, configurable: true });
}

function proto(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}

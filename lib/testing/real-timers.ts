/** The timers that are no runner's fake ones. @internal */
export interface Timers {
  setTimeout(call: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Calls when every microtask has had its turn. */
  turn(call: () => void): void;
}

/**
 * Taken when the module is loaded, so that a wait ends with words of its own also while a runner's fake timers are
 * installed. `setImmediate` where there is one: a page's `setTimeout` takes milliseconds.
 */
function take(): Timers {
  const { setTimeout, clearTimeout, setImmediate } = globalThis as unknown as {
    setTimeout: (call: () => void, ms?: number) => unknown;
    clearTimeout: (timer: unknown) => void;
    setImmediate?: (call: () => void) => unknown;
  };
  return {
    setTimeout: (call, ms) => setTimeout(call, Math.min(ms, 2 ** 31 - 1)),
    clearTimeout: (timer) => {
      clearTimeout(timer);
    },
    turn: (call) => {
      (setImmediate ?? setTimeout)(call);
    },
  };
}

/** @internal */
export const realTimers: Timers = /* @__PURE__ */ take();

/** Resolves when whatever waits for nothing but promises has happened. @internal */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    realTimers.turn(resolve);
  });
}

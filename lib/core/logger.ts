/** The part of `console` that the library logs to; pino, winston and Nest's logger fit too. Silent unless given. */
export interface Logger {
  debug(message: string, ...details: unknown[]): void;
  info(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  error(message: string, ...details: unknown[]): void;
}

const nothing = (): void => undefined;

/** Takes everything and writes nothing. @internal */
export const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** A logger that can be called anywhere: what it throws is dropped, because a log line must not end a stream. @internal */
export function guarded(logger: Logger | undefined): Logger {
  if (logger === undefined) return silent;
  const call =
    (level: keyof Logger) =>
    (message: string, ...details: unknown[]): void => {
      try {
        logger[level](message, ...details);
      } catch {
        // the user's logger failed; there is nowhere left to say so
      }
    };
  return { debug: call('debug'), info: call('info'), warn: call('warn'), error: call('error') };
}

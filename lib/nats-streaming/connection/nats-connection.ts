/** The part of a received NATS message that is used here; `nats` v2 and `@nats-io/nats-core` v3 both have it. */
export interface NatsMessageLike {
  readonly subject: string;
  readonly reply?: string | undefined;
  readonly data: Uint8Array;
  readonly headers?: { readonly code: number } | undefined;
}

/** The part of a NATS connection that is used here; `nats` v2 and `@nats-io/nats-core` v3 both have it. */
export interface NatsConnectionLike {
  /** What the server said of itself; undefined while there is no link to one. */
  readonly info?: { readonly max_payload: number } | undefined;
  publish(subject: string, payload?: Uint8Array, options?: { reply?: string }): void;
  subscribe(
    subject: string,
    options?: { callback?: (error: Error | null, message: NatsMessageLike) => void },
  ): { unsubscribe(): void };
  status(): AsyncIterable<{ readonly type: string }>;
  /** Resolves when the connection is closed for good, with the reason if that is an error. */
  closed(): Promise<void | Error>;
  close(): Promise<void>;
  flush(): Promise<void>;
  isClosed(): boolean;
  isDraining(): boolean;
}

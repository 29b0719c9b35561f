import { instance, secret, type Checker } from '../core/check.js';
import { AuthenticationError, WeirError } from '../core/errors.js';
import { addressText, type Address } from './connection/address.js';
import type { CallMetadata } from './connection/channel.js';

/** Metadata by their names, which are in lower case. */
export type LiftbridgeMetadata = Readonly<Record<string, string>>;

/** What of `CallCredentials` of `@grpc/grpc-js` is used. */
export interface CallCredentialsLike {
  generateMetadata(options: { service_url: string; method_name?: string }): Promise<{
    getMap(): Record<string, string | Uint8Array>;
  }>;
}

/** What goes with every call: metadata, a function that gives them, or call credentials of `@grpc/grpc-js`. */
export type LiftbridgeCredentials =
  LiftbridgeMetadata | (() => LiftbridgeMetadata | Promise<LiftbridgeMetadata>) | CallCredentialsLike;

/** Gives what goes with a call to that address. @internal */
export type CredentialsSource = (address: Address) => CallMetadata | Promise<CallMetadata>;

/** @internal */
export const credentialsChecker: Checker = secret(
  instance(
    (value) => typeof value === 'function' || isCallCredentials(value) || problemOf(value) === undefined,
    'metadata (names in lower case with strings as values), a function that gives them, or call credentials of @grpc/grpc-js',
  ),
);

/** @internal */
export function credentialsSource(option: LiftbridgeCredentials | undefined): CredentialsSource | undefined {
  if (option === undefined) return undefined;
  if (isCallCredentials(option)) {
    return async (address) => {
      const service = `https://${addressText(address)}/proto.API`;
      const made = await asked(async () => (await option.generateMetadata({ service_url: service })).getMap());
      return checked(textual(made));
    };
  }
  if (typeof option === 'function') {
    const give = option;
    return async () => checked(await asked(give));
  }
  const fixed = { ...option };
  return () => fixed;
}

async function asked<T>(give: () => T | Promise<T>): Promise<T> {
  try {
    return await give();
  } catch (error) {
    if (error instanceof WeirError) throw error;
    // the next call may have more luck: tokens come from somewhere
    throw new AuthenticationError('the credentials of liftbridge() could not be had: what gives them has failed', {
      broker: 'liftbridge',
      cause: error,
      retriable: true,
    });
  }
}

function checked(metadata: unknown): CallMetadata {
  const problem = problemOf(metadata);
  if (problem === undefined) return metadata as CallMetadata;
  throw new AuthenticationError(`the credentials of liftbridge() gave something that cannot be sent: ${problem}`, {
    broker: 'liftbridge',
  });
}

/** Bytes travel as base64. */
function textual(metadata: Record<string, string | Uint8Array>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : Buffer.from(value).toString('base64'),
    ]),
  );
}

function isCallCredentials(value: unknown): value is CallCredentialsLike {
  return typeof (value as Partial<CallCredentialsLike> | null)?.generateMetadata === 'function';
}

/** Names that the transport itself uses. */
const taken = new Set(['te', 'content-type', 'content-length', 'user-agent', 'host', 'connection', 'upgrade']);

/** What cannot be sent, without its value. */
function problemOf(metadata: unknown): string | undefined {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return 'it is no record of strings';
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^[0-9a-z_.-]+$/.test(name)) return `a name is not of lower-case letters, digits and _ . - alone`;
    if (taken.has(name) || name.startsWith('grpc-')) return `the name '${name}' is taken by gRPC`;
    if (typeof value !== 'string') return `the value of '${name}' is no string`;
    if (!/^[\x20-\x7e]*$/.test(value)) return `the value of '${name}' has characters other than those of ASCII`;
  }
  return undefined;
}

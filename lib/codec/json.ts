import type { Codec } from '../core/codec.js';
import { DecodeError, InvalidOptionError } from '../core/errors.js';
import type { InferInput, InferOutput, StandardSchema, StandardSchemaIssue } from './standard-schema.js';

const contentType = 'application/json';
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * JSON in UTF-8. `T` is a promise of yours: nothing checks it. Give a schema to have it checked.
 *
 * What JSON has no word for is refused: a bigint (make it a string first), `undefined`, a function, a circle.
 */
export function json<T>(): Codec<T>;
/**
 * JSON in UTF-8, checked by a synchronous Standard Schema validator (zod, valibot, arktype) in both directions: a sink
 * refuses an input that the schema does not accept and sends it as it is; a source gives what the schema makes of it,
 * defaults and transforms included.
 * @throws InvalidOptionError if that is no Standard Schema; and when a value is checked, if it answers with a Promise
 */
export function json<S extends StandardSchema>(schema: S): Codec<InferInput<S>, InferOutput<S>>;
export function json(schema?: StandardSchema): Codec<unknown> {
  if (schema === undefined) return { contentType, encode: toBytes, decode: fromBytes };
  refuseOther(schema);
  return {
    contentType,
    encode(value) {
      check(schema, value, 'the value to send');
      return toBytes(value);
    },
    decode: (bytes) => check(schema, fromBytes(bytes), 'the value in the message'),
  };
}

function toBytes(value: unknown): Uint8Array {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new DecodeError(`the value cannot be written as JSON: ${reasonOf(cause)}`, { cause });
  }
  if (text === undefined) {
    throw new DecodeError(
      `JSON has no word for ${value === undefined ? 'undefined' : `a ${typeof value}`}: give null, or a value`,
    );
  }
  return encoder.encode(text);
}

function fromBytes(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw new DecodeError('the bytes are not UTF-8, so they are not JSON', { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DecodeError(`the bytes are not JSON: ${reasonOf(cause)}`, { cause });
  }
}

/** What the engine says of a bigint does not say what to do. */
function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return /bigint/i.test(message) ? 'it has a bigint, which JSON does not; make it a string first' : message;
}

function check(schema: StandardSchema, value: unknown, what: string): unknown {
  const result = schema['~standard'].validate(value);
  if (isThenable(result)) {
    // its outcome is of no use, and must not end the process as an unhandled rejection
    result.then(undefined, () => undefined);
    throw new InvalidOptionError(
      `json(schema) takes a synchronous schema; this one (${schema['~standard'].vendor}) answered with a Promise: ` +
        'move its asynchronous checks into the pipeline',
    );
  }
  if (result.issues === undefined) return result.value;
  throw new DecodeError(`${what} does not fit the schema: ${result.issues.map(describe).join('; ')}`);
}

function describe(issue: StandardSchemaIssue): string {
  let path = '';
  for (const segment of issue.path ?? []) {
    const key = typeof segment === 'object' ? segment.key : segment;
    if (typeof key === 'number') path += `[${key}]`;
    else path += path === '' ? String(key) : `.${String(key)}`;
  }
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

function refuseOther(schema: unknown): void {
  // arktype's schemas are functions
  const standard =
    (typeof schema === 'object' && schema !== null) || typeof schema === 'function'
      ? (schema as { '~standard'?: Partial<StandardSchema['~standard']> | null })['~standard']
      : undefined;
  if (standard?.version === 1 && typeof standard.validate === 'function') return;
  throw new InvalidOptionError(
    'json(schema) takes a Standard Schema, version 1 (of zod from 3.24, valibot from 1, arktype from 2); ' +
      `got ${schema === null ? 'null' : `a value of type ${typeof schema}`} without it`,
  );
}

function isThenable(value: object): value is Promise<unknown> {
  return 'then' in value && typeof value.then === 'function';
}

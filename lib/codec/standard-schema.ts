/**
 * The part of Standard Schema (version 1) that is used: what zod, valibot and arktype schemas have in common.
 * Written as a structure, so that none of them is a dependency.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    /** Who made the schema. */
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
    /** Only for the compiler. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The value that the schema made, or what it found. */
export type StandardSchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly StandardSchemaIssue[] };

/** One thing that a schema found. */
export interface StandardSchemaIssue {
  readonly message: string;
  /** Where in the value; absent for the value itself. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What goes into a schema. */
export type InferInput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input'];

/** What comes out of a schema. */
export type InferOutput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output'];

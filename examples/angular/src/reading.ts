import { json, type StandardSchema } from 'rx-weir';

/** What a sensor sends. */
export interface Reading {
  readonly room: string;
  readonly celsius: number;
}

const schema: StandardSchema<Reading, Reading> = {
  '~standard': {
    version: 1,
    vendor: 'rooms',
    validate: (value) =>
      isReading(value) ? { value } : { issues: [{ message: 'it must have a room and its degrees Celsius' }] },
  },
};

/** Checked as it comes in, so that nothing else reaches a template. A schema of zod or valibot does the same. */
export const reading = json(schema);

function isReading(value: unknown): value is Reading {
  const like = value as Partial<Reading> | null;
  return typeof like?.room === 'string' && typeof like.celsius === 'number';
}

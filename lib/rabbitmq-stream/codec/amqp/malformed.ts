import { InvalidOptionError, ProtocolError } from '../../../core/errors.js';

/** The error of bytes that are no AMQP 1.0 message. @internal */
export function malformed(problem: string, at: number): ProtocolError {
  return new ProtocolError(
    `the record is no AMQP 1.0 message: ${problem}, at byte ${String(at)}; ` +
      'read it as bytes, without amqp(), or see which program writes it',
    { broker: 'rabbitmq-stream', detail: { at } },
  );
}

/** The error of a value that AMQP 1.0 has no form for. @internal */
export function unwritable(name: string, accepts: string, value: unknown): InvalidOptionError {
  return new InvalidOptionError(`${name} must be ${accepts}; got ${describe(value)}`, { broker: 'rabbitmq-stream' });
}

/** A number or a short word by itself; of all else only what kind of value it is. */
function describe(value: unknown): string {
  if (value === undefined || value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `${String(value)}n`;
  if (typeof value === 'string') return value === '' ? 'an empty string' : `'${value.slice(0, 80)}'`;
  if (typeof value !== 'object') return `a ${typeof value}`;
  if (value instanceof Date && Number.isNaN(value.getTime())) return 'an invalid Date';
  return `a value of type ${Object.prototype.toString.call(value).slice(8, -1)}`;
}

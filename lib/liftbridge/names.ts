import { count, text, type Checker } from '../core/check.js';

/** The streams that the servers make for themselves. */
const reserved: readonly string[] = ['__cursors', '__activity'];

/** The stream that cursors are kept in. @internal */
export const cursorsStream = '__cursors';

const maxNameBytes = 200;
/** A NATS server ends the connection on which a line of its protocol is longer than 4096 bytes. */
const maxSubjectBytes = 1024;

/**
 * What is wrong with a stream's name, in words that fit after "got 'x': ". A server makes a folder and NATS subjects of it,
 * and dies of some that it accepts.
 */
function nameProblem(name: string): string | undefined {
  const bytes = Buffer.byteLength(name);
  if (bytes > maxNameBytes) return `it has ${bytes} bytes, and ${maxNameBytes} are the most`;
  if (/[/\\]/.test(name)) return 'it has a slash, of which Liftbridge would make a path';
  if (/[*>]/.test(name)) return 'it has a wildcard of NATS, * or >';
  return tokenProblem(name);
}

function subjectProblem(subject: string): string | undefined {
  const bytes = Buffer.byteLength(subject);
  if (bytes > maxSubjectBytes) return `it has ${bytes} bytes, and ${maxSubjectBytes} are the most`;
  const tokens = subject.split('.');
  if (tokens.some((token) => token.length > 1 && /[*>]/.test(token)))
    return 'a wildcard, * or >, must stand alone between dots';
  if (tokens.slice(0, -1).includes('>')) return 'the wildcard > can only be the last part';
  return tokenProblem(subject);
}

function tokenProblem(value: string): string | undefined {
  if (value.split('.').includes('')) return 'it begins or ends with a dot, or has two in a row';
  return characterProblem(value);
}

function characterProblem(value: string): string | undefined {
  if (/\s/.test(value)) return 'it has white space';
  if (/\p{Cc}/u.test(value)) return 'it has a control character';
  if (/\p{Surrogate}/u.test(value)) return 'it has half of a surrogate pair, which is no character';
  return undefined;
}

function short(limit: number, problem?: (value: string) => string | undefined): Checker {
  return text({
    problem: (value) => {
      const bytes = Buffer.byteLength(value);
      return bytes > limit ? `it has ${bytes} bytes, and ${limit} are the most` : problem?.(value);
    },
  });
}

/** The name of a stream, to read it and to publish to it: a channel. The servers' own are among them. @internal */
export const streamName: Checker = text({ problem: nameProblem });

/** The name of a stream to make or to delete. @internal */
export const ownStreamName: Checker = text({
  problem: (name) =>
    nameProblem(name) ?? (reserved.includes(name) ? 'Liftbridge keeps this stream to itself' : undefined),
});

/** The NATS subject that a stream listens to; it may have wildcards. @internal */
export const subjectName: Checker = text({ problem: subjectProblem });

/** A NATS subject to publish to. @internal */
export const publishSubject: Checker = text({
  problem: (subject) =>
    subjectProblem(subject) ?? (hasWildcard(subject) ? 'it has a wildcard, and names no one place' : undefined),
});

/** The name of a NATS queue group. @internal */
export const natsGroup: Checker = short(maxNameBytes, characterProblem);

/** What a cursor is kept under: a durable. @internal */
export const cursorId: Checker = short(maxSubjectBytes, (id) =>
  /\p{Surrogate}/u.test(id) ? 'it has half of a surrogate pair, which is no character' : undefined,
);

/** The number of a partition. @internal */
export const partitionNumber: Checker = count({ min: 0 });

/** Whether a subject that was checked stands for many. @internal */
export function hasWildcard(subject: string): boolean {
  return subject.split('.').some((token) => token === '*' || token === '>');
}

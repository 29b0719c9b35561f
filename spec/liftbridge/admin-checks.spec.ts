import { expect } from 'chai';
import { checkValue, type Checker } from '../../lib/core/check.js';
import type { WeirError } from '../../lib/core/errors.js';
import { Admin, type LiftbridgeAdmin } from '../../lib/liftbridge/admin.js';
import { Cursors } from '../../lib/liftbridge/cursors.js';
import { cursorId, ownStreamName, publishSubject, streamName, subjectName } from '../../lib/liftbridge/names.js';
import { failureOf, Watched } from './session/session-kit.js';

const badNames = [
  '',
  ' ',
  'a b',
  'a\tb',
  'a\u00a0b',
  'a\nb',
  'a\0b',
  'a/b',
  '../x',
  'a\\b',
  '.',
  '..',
  'a.',
  '.a',
  'a..b',
  '*',
  'star*',
  'a.>',
  'a>',
  'a\ud800',
  'é'.repeat(101),
  undefined,
  null,
  7,
];
const goodNames = ['a', 'a.b', 'größe', '日本', 'é'.repeat(100), '__mine', 'a-b_c:d'];

type Bare = Record<keyof LiftbridgeAdmin, (...args: unknown[]) => Promise<unknown>>;

/** Who may ask this is a caller without a compiler. */
describe('administration of Liftbridge: checks', () => {
  let watched: Watched;
  let admin: Bare;

  before(async () => {
    watched = await new Watched().started();
    const { session, clock } = watched;
    const log = { debug: () => 0, info: () => 0, warn: () => 0, error: () => 0 };
    const cursors = new Cursors(session);
    const connect = (): Promise<void> => Promise.reject(new Error('connected'));
    admin = new Admin({ session, cursors, clock, log, requestTimeout: 1_000, connect }) as unknown as Bare;
    for (const channel of watched.cluster.channels) channel.asked.length = 0;
  });
  after(() => watched.close());
  afterEach(() => {
    expect(watched.cluster.channels.flatMap(({ asked }) => asked.map(({ method }) => method))).to.deep.equal([]);
  });

  const refused = async (call: Promise<unknown>): Promise<string> => {
    const error: WeirError = await failureOf(call);
    expect(error.code).to.equal('INVALID_OPTION');
    return error.message;
  };

  it('names what is wrong with the name of a stream, everywhere', async () => {
    for (const name of badNames) {
      expect(await refused(admin.createStream({ name }))).to.match(/^createStream\(.*\): name (must be|is required)/s);
      expect(await refused(admin.deleteStream(name))).to.match(/^deleteStream\(.*\): name must be/s);
      expect(await refused(admin.pauseStream(name))).to.match(/^pauseStream\(.*\): name must be/s);
      expect(await refused(admin.setStreamReadonly(name))).to.match(/^setStreamReadonly\(.*\): name must be/s);
      expect(await refused(admin.partitionMetadata(name))).to.match(/^partitionMetadata\(.*\): stream must be/s);
      expect(await refused(admin.metadata({ streams: [name] }))).to.match(/^metadata\(\): streams\[0\] must be/);
      expect(await refused(admin.fetchCursor({ stream: name, id: 'me' }))).to.match(/stream (must be|is required)/);
      expect(await refused(admin.setCursor({ stream: name, id: 'me', offset: 1 }))).to.match(/stream (must|is)/);
    }
    expect(await refused(admin.createStream({ name: 'a/b' }))).to.equal(
      "createStream('a/b'): name must be a non-empty string; got 'a/b': it has a slash, of which Liftbridge would make a path",
    );
    expect(await refused(admin.createStream(undefined))).to.match(/name is required/);
    expect(await refused(admin.createStream(null))).to.match(/options must be an object/);
  });

  it("keeps its hands off the servers' own streams", async () => {
    for (const name of ['__cursors', '__activity']) {
      expect(await refused(admin.createStream({ name }))).to.match(/Liftbridge keeps this stream to itself$/);
      expect(await refused(admin.deleteStream(name, { ifExists: true }))).to.match(/Liftbridge keeps this stream/);
    }
  });

  it('names what is wrong with the options of a stream', async () => {
    const wrong: [object, RegExp][] = [
      [{ subject: '' }, /subject must be a non-empty string/],
      [{ subject: 'a b' }, /subject must be .*: it has white space/],
      [{ subject: 'a..b' }, /subject must be .*: it begins or ends with a dot, or has two in a row/],
      [{ subject: 'a.>.b' }, /the wildcard > can only be the last part/],
      [{ subject: 'a.b>' }, /a wildcard, \* or >, must stand alone between dots/],
      [{ subject: 'x'.repeat(1025) }, /it has 1025 bytes, and 1024 are the most/],
      [{ subject: 'a.>', partitions: 2 }, /partitions must be 1 with the subject 'a\.>'/],
      [{ subject: '>', partitions: 2 }, /partitions must be 1 with the subject '>'/],
      [{ group: '' }, /group must be/],
      [{ group: 'a b' }, /group must be .*: it has white space/],
      [{ partitions: 0 }, /partitions must be an integer from 1 to 65535/],
      [{ partitions: -1 }, /partitions must be/],
      [{ partitions: 1.5 }, /partitions must be/],
      [{ partitions: 65_536 }, /partitions must be/],
      [{ replicationFactor: 0 }, /replicationFactor must be an integer from 1 to 2147483647, or -1 for all brokers/],
      [{ replicationFactor: -2 }, /replicationFactor must be/],
      [{ replicationFactor: 2 ** 31 }, /replicationFactor must be/],
      [{ replicationFactor: 1, maxReplication: true }, /replicationFactor and maxReplication are both given/],
      [{ maxReplication: 1 }, /maxReplication must be true or false/],
      [{ retentionMaxBytes: -1 }, /retentionMaxBytes must be an integer from 0/],
      [{ retentionMaxMessages: 2 ** 53 }, /retentionMaxMessages must be/],
      [{ retentionMaxMessages: 1n }, /retentionMaxMessages must be an integer .*; got 1n/],
      [{ retentionMaxAge: 0.5 }, /retentionMaxAge must be/],
      [{ retentionMaxAge: 9_223_372_036_855 }, /retentionMaxAge must be an integer from 0 to 9223372036854/],
      [{ cleanerInterval: 0 }, /cleanerInterval must be an integer from 1/],
      [{ segmentMaxBytes: 0 }, /segmentMaxBytes must be an integer from 1/],
      [{ segmentMaxAge: -1 }, /segmentMaxAge must be/],
      [{ compact: 'yes' }, /compact must be true or false/],
      [{ compactMaxGoroutines: 0 }, /compactMaxGoroutines must be/],
      [{ autoPauseTime: -1 }, /autoPauseTime must be/],
      [{ autoPauseDisableIfSubscribers: 1 }, /autoPauseDisableIfSubscribers must be/],
      [{ minIsr: 0 }, /minIsr must be/],
      [{ optimisticConcurrencyControl: 0 }, /optimisticConcurrencyControl must be/],
      [{ encryption: 'x' }, /encryption must be/],
      [{ ifNotExists: 1 }, /ifNotExists must be/],
      [{ compactEnabled: true }, /no option 'compactEnabled'/],
    ];
    for (const [options, message] of wrong) {
      expect(await refused(admin.createStream({ name: 's', ...options }))).to.match(message);
    }
  });

  it('names what is wrong with the options of the others', async () => {
    expect(await refused(admin.deleteStream('s', { ifNotExists: true }))).to.match(/no option 'ifNotExists'/);
    for (const method of ['pauseStream', 'setStreamReadonly'] as const) {
      expect(await refused(admin[method]('s', { partitions: [] }))).to.match(/partitions must be a non-empty array/);
      expect(await refused(admin[method]('s', { partitions: [0, -1] }))).to.match(/partitions\[1\] must be an integer/);
      expect(await refused(admin[method]('s', { partitions: 1 }))).to.match(/partitions must be/);
      expect(await refused(admin[method]('s', 1))).to.match(/options must be an object/);
    }
    expect(await refused(admin.pauseStream('s', { resumeAll: 'x' }))).to.match(/resumeAll must be/);
    expect(await refused(admin.setStreamReadonly('s', { readonly: 0 }))).to.match(/readonly must be/);
    expect(await refused(admin.metadata({ streams: [] }))).to.match(/streams must be a non-empty array/);
    expect(await refused(admin.metadata({ groups: [''] }))).to.match(/groups\[0\] must be/);
    for (const partition of [-1, 1.5, 2 ** 31, '1']) {
      expect(await refused(admin.partitionMetadata('s', partition))).to.match(/partition must be an integer from 0/);
      expect(await refused(admin.fetchCursor({ stream: 's', id: 'me', partition }))).to.match(/partition must be/);
    }
    for (const id of ['', undefined, 7, 'x'.repeat(1025), '\ud800']) {
      expect(await refused(admin.fetchCursor({ stream: 's', id }))).to.match(/id (must be|is required)/);
      expect(await refused(admin.setCursor({ stream: 's', id, offset: 1 }))).to.match(/id (must be|is required)/);
    }
    for (const offset of [-1, -1n, 1.5, 2 ** 53, 2n ** 63n, '5', undefined]) {
      expect(await refused(admin.setCursor({ stream: 's', id: 'me', offset }))).to.match(
        /offset (must be|is required; it must be) an offset: an integer, as number or bigint, from 0 to 2\^63 - 1/,
      );
    }
  });
});

describe('names of Liftbridge', () => {
  const accepts = (checker: Checker, name: unknown): boolean => {
    try {
      checkValue('call()', 'name', name, checker);
      return true;
    } catch {
      return false;
    }
  };

  it('are those of streams that servers survive', () => {
    for (const name of badNames) expect(accepts(streamName, name), String(name)).to.equal(false);
    for (const name of goodNames) expect(accepts(streamName, name), name).to.equal(true);
    for (const name of goodNames) expect(accepts(ownStreamName, name), name).to.equal(true);
    // to be read and published to, and nothing else
    expect([accepts(streamName, '__cursors'), accepts(ownStreamName, '__cursors')]).to.deep.equal([true, false]);
  });

  it('are those of subjects, with wildcards where one listens', () => {
    for (const subject of ['a', 'a.b', 'a.*', '*', '>', 'a.*.>', 'a/b']) {
      expect(accepts(subjectName, subject), subject).to.equal(true);
      expect(accepts(publishSubject, subject), subject).to.equal(!/[*>]/.test(subject));
    }
    for (const subject of ['', 'a b', '.a', 'a.', 'a..b', '>.a', 'a*', 'a.b>']) {
      expect(accepts(subjectName, subject), subject).to.equal(false);
      expect(accepts(publishSubject, subject), subject).to.equal(false);
    }
  });

  it('are those of cursors, which are anything short', () => {
    for (const id of ['me', 'a,b', 'a b', '__group:g', '日本']) expect(accepts(cursorId, id), id).to.equal(true);
  });
});

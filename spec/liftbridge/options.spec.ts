import { inspect } from 'node:util';
import { expect } from 'chai';
import { InvalidOptionError } from '../../lib/core/errors.js';
import { resolveOptions, type LiftbridgeOptions } from '../../lib/liftbridge/options.js';

const at = { host: 'h', port: 1 };

function refusal(options: unknown): string {
  try {
    resolveOptions(options as LiftbridgeOptions);
  } catch (error) {
    expect(error).to.be.instanceOf(InvalidOptionError);
    return (error as Error).message;
  }
  throw new Error(`accepted ${inspect(options)}`);
}

const seedsOf = (brokers: string | string[]) => resolveOptions({ brokers }).seeds;

describe('options of Liftbridge', () => {
  it('have defaults', () => {
    const { logger, ...others } = resolveOptions();
    expect(logger).to.have.property('warn');
    expect(others).to.deep.equal({
      seeds: [{ host: 'localhost', port: 9292 }],
      resolveAddress: undefined,
      requestTimeout: 10_000,
      connectTimeout: 10_000,
      closeTimeout: 10_000,
      ackTimeout: 5_000,
      pingInterval: 10_000,
      pingTimeout: 5_000,
      maxMessageBytes: 4_194_304,
      windowBytes: 1_048_576,
      reconnect: { initialDelay: 250, maxDelay: 30_000, factor: 2, jitter: 0.5, maxAttempts: Infinity, initial: false },
    });
    expect(resolveOptions().tls).to.equal(undefined);
    expect(resolveOptions().credentials).to.equal(undefined);
    expect(resolveOptions({ reconnect: false }).reconnect).to.equal(undefined);
  });

  it('say where the brokers are', () => {
    expect(seedsOf('h')).to.deep.equal([{ host: 'h', port: 9292 }]);
    expect(seedsOf(' h:1 ')).to.deep.equal([at]);
    expect(seedsOf('127.0.0.1:65535')).to.deep.equal([{ host: '127.0.0.1', port: 65_535 }]);
    expect(seedsOf('::1')).to.deep.equal([{ host: '::1', port: 9292 }]);
    expect(seedsOf('[::1]')).to.deep.equal([{ host: '::1', port: 9292 }]);
    expect(seedsOf('[::1]:2')).to.deep.equal([{ host: '::1', port: 2 }]);
    expect(seedsOf('liftbridge://h:1/')).to.deep.equal([at]);
    expect(seedsOf('LIFTBRIDGE://h')).to.deep.equal([{ host: 'h', port: 9292 }]);
    expect(seedsOf(['h:1', 'g', 'h:1'])).to.deep.equal([at, { host: 'g', port: 9292 }]);
  });

  it('take TLS from the address, or beside it', () => {
    const { seeds, tls } = resolveOptions({ brokers: 'liftbridge+tls://h:1' });
    expect(seeds).to.deep.equal([at]);
    expect(tls).to.deep.equal({});
    expect(resolveOptions({ tls: true }).tls).to.deep.equal({});
    expect(resolveOptions({ brokers: 'liftbridge+tls://h', tls: { servername: 'x' } }).tls).to.deep.equal({
      servername: 'x',
    });
    expect(refusal({ brokers: 'liftbridge+tls://h', tls: false })).to.match(/tls is false, and brokers begins with/);
    expect(refusal({ brokers: 'liftbridge://h', tls: true })).to.match(/tls is given, and brokers begins with/);
    expect(refusal({ brokers: ['liftbridge://h', 'liftbridge+tls://g'] })).to.match(/all addresses must begin with/);
    expect(refusal({ brokers: ['liftbridge://h', 'g'] })).to.match(/or none with either/);
    expect(refusal({ tls: { cert: 'c' } })).to.match(/tls\.cert is given without tls\.key/);
    expect(refusal({ tls: { key: 'k' } })).to.match(/tls\.key is given without tls\.cert/);
  });

  it('refuse an address that is none, without printing it', () => {
    const wrong = [
      'h:',
      'h:0',
      'h:65536',
      'h:1:2',
      'a b',
      'h/x',
      'liftbridge://h/x',
      'liftbridge://',
      '[h]',
      '[::1',
      'u:secret@h',
    ];
    for (const brokers of [...wrong, ...wrong.map((each) => ['h', each])]) {
      const message = refusal({ brokers });
      expect(message).to.match(/^liftbridge\(\): brokers(\[1\])? must /);
      expect(message).not.to.include('secret');
    }
    expect(refusal({ brokers: 'http://user:secret@h' })).to.match(/brokers begins with 'http:\/\/'; accepted are/);
    expect(refusal({ brokers: [] })).to.match(/brokers must be/);
    expect(refusal({ brokers: 7 })).to.match(/brokers must be/);
  });

  it('are checked for their values and their names', () => {
    const wrong: [object, RegExp][] = [
      [{ requestTimeout: 0 }, /requestTimeout must be a number of milliseconds, 1 or more; got 0/],
      [{ connectTimeout: Infinity }, /connectTimeout must be/],
      [{ closeTimeout: -1 }, /closeTimeout must be/],
      [{ ackTimeout: 'x' }, /ackTimeout must be/],
      [{ pingInterval: 0 }, /pingInterval must be .*, or Infinity/],
      [{ pingTimeout: 0 }, /pingTimeout must be/],
      [{ maxMessageBytes: 1 }, /maxMessageBytes must be an integer from 1024/],
      [{ windowBytes: 65_534 }, /windowBytes must be an integer from 65535/],
      [{ resolveAddress: {} }, /resolveAddress must be a function/],
      [{ reconnect: true }, /reconnect must be/],
      [{ logger: {} }, /logger must be an object with the functions/],
      [{ broker: 'h' }, /no option 'broker', did you mean 'brokers'\?/],
      [{ tls: { cafile: 'x' } }, /no option 'tls\.cafile'/],
    ];
    for (const [options, message] of wrong) expect(refusal(options)).to.match(message);
    expect(resolveOptions({ pingInterval: Infinity, closeTimeout: 0 }).pingInterval).to.equal(Infinity);
  });

  it('take credentials as a record, a function, or call credentials', async () => {
    const authorization = 'Bearer x';
    const record = { authorization };
    const fixed = resolveOptions({ credentials: record }).credentials;
    record.authorization = 'changed';
    expect(await fixed?.(at)).to.deep.equal({ authorization });
    let calls = 0;
    const given = resolveOptions({ credentials: () => Promise.resolve({ 'x-call': String(++calls) }) }).credentials;
    await given?.(at);
    expect(await given?.(at)).to.deep.equal({ 'x-call': '2' });
    expect(refusal({ credentials: { Authorization: 'secret' } })).to.match(/credentials must be metadata/);
    for (const wrong of [
      7,
      'secret',
      [],
      { 'grpc-timeout': '1' },
      { te: 'x' },
      { a: 1 },
      { a: 'sécret' },
      { a: 'x\ny' },
    ]) {
      expect(refusal({ credentials: wrong }))
        .to.match(/credentials must be metadata/)
        .and.not.to.include('secret');
    }
  });

  it('tell of credentials that could not be had, or not be sent, without their values', async () => {
    const failing = resolveOptions({ credentials: () => Promise.reject(new Error('no token')) }).credentials;
    const fails = async (source: typeof failing): Promise<{ code: string; message: string; retriable: boolean }> => {
      try {
        await source?.(at);
      } catch (error) {
        return error as never;
      }
      throw new Error('it did not fail');
    };
    expect(await fails(failing)).to.include({ code: 'AUTHENTICATION', retriable: true });
    const wrong = resolveOptions({ credentials: () => ({ Secret: 'secret' }) }).credentials;
    const error = await fails(wrong);
    expect(error).to.include({ code: 'AUTHENTICATION', retriable: false });
    expect(error.message)
      .to.match(/a name is not of lower-case letters/)
      .and.not.to.include('secret');
    const none = resolveOptions({ credentials: (() => undefined) as never }).credentials;
    expect((await fails(none)).message).to.match(/it is no record of strings/);
  });

  it('print no secrets', () => {
    const options = resolveOptions({
      tls: { ca: 'topsecret', cert: 'topsecret', key: 'topsecret', passphrase: 'topsecret' },
      credentials: { authorization: 'topsecret' },
    });
    for (const text of [inspect(options, { depth: 9 }), JSON.stringify(options), JSON.stringify({ ...options })]) {
      expect(text).not.to.include('topsecret');
    }
    expect(options.tls?.key).to.equal('topsecret');
  });
});

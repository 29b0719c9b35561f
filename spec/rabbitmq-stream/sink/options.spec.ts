import { expect } from 'chai';
import { checkOptions } from '../../../lib/core/check.js';
import { InvalidOptionError } from '../../../lib/core/errors.js';
import { sinkShape } from '../../../lib/core/settings.js';
import { fieldsShape } from '../../../lib/rabbitmq-stream/fields.js';
import { isRouting, routeByHash, routeByKey } from '../../../lib/rabbitmq-stream/routing.js';
import {
  checkSinkCombinations,
  rabbitMqStreamSinkShape,
  resolveSinkSettings,
} from '../../../lib/rabbitmq-stream/sink/options.js';

function check(options: object): void {
  checkOptions("sink('s')", options, { ...sinkShape, ...rabbitMqStreamSinkShape });
  checkSinkCombinations("sink('s')", options);
}

const routing = routeByHash((value: string) => value);

describe('The options of a RabbitMQ stream sink', () => {
  it('are accepted', () => {
    check({});
    check({ producer: 'é'.repeat(127), linger: 0, batchSize: 1, confirmTimeout: Infinity, maxInFlight: 5 });
    check({ subEntry: { size: 65_535 } });
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) check({ subEntry: { size: 1, compression } });
    check({ filterValue: () => 'x' });
    check({ superStream: true, routing });
    check({ superStream: false, routing: undefined });
  });

  const bad: [object, string][] = [
    [{ producer: '' }, 'producer must be'],
    [{ producer: 'é'.repeat(128) }, 'it has 256 bytes'],
    [{ linger: -1 }, 'linger must be'],
    [{ batchSize: 0 }, 'batchSize must be'],
    [{ confirmTimeout: 0 }, 'confirmTimeout must be'],
    [{ subEntry: {} }, 'subEntry.size is required'],
    [{ subEntry: { size: 65_536 } }, 'subEntry.size must be'],
    [{ subEntry: { size: 1, compression: 'gzipp' } }, "did you mean 'gzip'?"],
    [{ subEntry: { size: 1 }, filterValue: () => 'x' }, 'subEntry and filterValue'],
    [{ superStream: true }, 'superStream needs routing'],
    [{ routing }, 'routing goes with superStream: true'],
    [{ superStream: true, routing: (value: string) => value }, 'routing must be what routeByHash(keyOf)'],
    [{ producers: 'x' }, "did you mean 'producer'?"],
  ];
  for (const [options, problem] of bad) {
    it(`are refused: ${problem}`, () => {
      expect(() => {
        check(options);
      }).to.throw(InvalidOptionError, problem);
    });
  }

  it('have defaults', () => {
    expect(resolveSinkSettings({})).to.deep.equal({
      producer: '',
      maxInFlight: 1024,
      resend: false,
      linger: 0,
      batchSize: 1000,
      subEntry: undefined,
      filterValue: undefined,
      routing: undefined,
      confirmTimeout: 30_000,
    });
    expect(resolveSinkSettings({ subEntry: { size: 3 } }).subEntry).to.deep.equal({ size: 3, compression: 'none' });
  });
});

describe('routeByHash, routeByKey', () => {
  it('take a function and nothing else', () => {
    expect(() => routeByHash('id' as never)).to.throw(InvalidOptionError, 'routeByHash(keyOf)');
    expect(() => routeByKey(undefined as never)).to.throw(InvalidOptionError, 'routeByKey(keyOf)');
    expect(isRouting(routeByKey((value: number) => String(value)))).to.equal(true);
    expect(isRouting({ kind: 'hash' })).to.equal(false);
    expect(isRouting(null)).to.equal(false);
  });
});

describe('The fields of a message for a RabbitMQ stream', () => {
  const checkFields = (fields: object): void => {
    checkOptions("publish('s')", fields, fieldsShape);
  };

  it('are checked', () => {
    checkFields({ headers: new Map(), properties: {}, annotations: {}, id: 0n, filterValue: '' });
    for (const [fields, problem] of [
      [{ id: 5 }, 'id must be a bigint'],
      [{ id: 2n ** 64n }, 'id must be a bigint'],
      [{ id: -1n }, 'id must be a bigint'],
      [{ headers: 'x' }, 'headers must be'],
      [{ properties: [] }, 'properties must be'],
      [{ filterValue: 7 }, 'filterValue must be'],
      [{ subject: 'x' }, "there is no option 'subject'"],
    ] as const) {
      expect(() => {
        checkFields(fields);
      }).to.throw(InvalidOptionError, problem);
    }
  });
});

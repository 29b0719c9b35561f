import { expect } from 'chai';
import { addressText } from '../../../lib/liftbridge/connection/address.js';
import { grpcTimeout } from '../../../lib/liftbridge/connection/request-headers.js';

describe('liftbridge connection: request headers', () => {
  it('have a timeout of eight digits at most, which is never shorter than was asked', () => {
    const cases: [number, string][] = [
      [0, '1m'],
      [0.2, '1m'],
      [250.1, '251m'],
      [99_999_999, '99999999m'],
      [100_000_001, '100001S'],
      [99_999_999_000, '99999999S'],
      [100_000_000_000, '27778H'],
      [Infinity, '99999999H'],
    ];
    expect(cases.map(([ms]) => [ms, grpcTimeout(ms)])).to.deep.equal(cases);
  });

  it('have an address that can be read', () => {
    expect(addressText({ host: 'a.example', port: 9292 })).to.equal('a.example:9292');
    expect(addressText({ host: '::1', port: 1 })).to.equal('[::1]:1');
  });
});

import { expect } from 'chai';
import { sha512OfReprDigest } from '../../../lib/lonelyps/codec/repr-digest.js';
import { sha512 } from './signed-table.js';

const value = 'wVJ82JPBJHc9gRkRlwyP5uhX1t9dySJr2KFgYUwM2WOk3eorlLt9NgIe+dhl1c6ilKgt1JoLsmn1H256V/eUIQ==';

describe('lonelyps codec: the Repr-Digest header', () => {
  const good: [what: string, header: string][] = [
    ['as lonelypss writes it', `sha-512=${value}`],
    ['between colons, as RFC 9530 has it', `sha-512=:${value}:`],
    ['after another', `sha-256=AAAA, sha-512=${value}`],
    ['before another', `sha-512=${value},md5=AAAA==`],
    ['with space around it', `  sha-512 = ${value}  `],
  ];
  for (const [what, header] of good) {
    it(what, () => {
      expect(sha512OfReprDigest(header)).to.deep.equal(sha512);
    });
  }

  const bad: [what: string, header: string | undefined][] = [
    ['no header', undefined],
    ['an empty one', ''],
    ['another algorithm only', `sha-256=${value}`],
    ['the name in capitals', `SHA-512=${value}`],
    ['a name that ends so', `x-sha-512=${value}`],
    ['no value', 'sha-512'],
    ['an empty value', 'sha-512='],
    ['two colons', 'sha-512=::'],
    ['one colon', 'sha-512=:'],
    ['no base64', `sha-512=${value.replace('+', '!')}`],
    ['63 bytes', `sha-512=${value.slice(4)}`],
    ['commas', ',,,='],
  ];
  for (const [what, header] of bad) {
    it(`${what}: none`, () => {
      expect(sha512OfReprDigest(header)).to.equal(undefined);
    });
  }
});

import { expect } from 'chai';
import {
  createStreamRequest,
  isAck,
  messageTemplate,
  subscribeRequest,
  valueLength,
  writeMessage,
} from '../../bench/contenders/liftbridge-messages.js';

const anyOffset = '48ffffffffffffffffff01';

describe('bench: the messages of Liftbridge', () => {
  it('are requests as the API has them', () => {
    expect(createStreamRequest('s').toString('hex')).to.equal('0a0173120173');
    expect(subscribeRequest('s').toString('hex')).to.equal('0a01731802');
  });

  it('are values with a correlation id of their own each', () => {
    const template = messageTemplate('s', 2);
    const length = template.bytes.length;
    const target = Buffer.alloc(1 + length);
    const ids = [1, 123_456_789].map((id) => {
      writeMessage(template, id, target, 1);
      expect(target.toString('hex', 1)).to.match(/^120261611a01733a09(3\d){9}48f{18}01$/);
      expect(target.toString('hex', 1).endsWith(anyOffset)).to.equal(true);
      return target.toString('latin1', 10, 19);
    });
    expect(ids).to.deep.equal(['000000001', '123456789']);
  });

  it('are acks, unless they tell an error', () => {
    expect(isAck(Buffer.from('0a030a01731a0131', 'hex'), 0)).to.equal(true);
    expect(isAck(Buffer.from('ff0a00120208021a0131', 'hex'), 1)).to.equal(false);
  });

  it('are read up to their value', () => {
    expect(valueLength(Buffer.from('ff1a026869', 'hex'), 1)).to.equal(2);
    expect(valueLength(Buffer.from('08ac021a8001', 'hex'), 0)).to.equal(128);
    expect(() => valueLength(Buffer.from('08012a0173', 'hex'), 0)).to.throw('without a value');
  });
});

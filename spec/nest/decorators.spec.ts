import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { expect } from 'chai';
import type { Observable } from 'rxjs';
import { InvalidOptionError, type Broker, type Delivery, type Sink } from '../../lib/index.js';
import { InjectBroker, InjectSink, InjectSource } from '../../lib/nest/decorators.js';
import { BrokerModule } from '../../lib/nest/module.js';
import { BrokerTestingModule } from '../../lib/nest/testing-module.js';
import { getBrokerToken, getSinkToken, getSourceToken } from '../../lib/nest/tokens.js';
import { refusal } from '../support/refusal.js';

describe('nest/decorators', () => {
  it('decorate parameters and properties', async () => {
    @Injectable()
    class User {
      @InjectBroker('b') broker!: Broker;
      @InjectSource('in', 'b') source!: Observable<Delivery>;
      @InjectSink('out', 'b') sink!: Sink<Uint8Array>;
      constructor(@InjectBroker('b') readonly same: Broker) {}
    }
    const app = await Test.createTestingModule({
      imports: [
        BrokerTestingModule.forRoot({ names: ['b'] }),
        BrokerModule.forFeature([
          { source: 'in', broker: 'b' },
          { sink: 'out', broker: 'b' },
        ]),
      ],
      providers: [User],
    }).compile();
    const user = app.get(User);
    expect(user.broker)
      .to.equal(user.same)
      .and.to.equal(app.get(getBrokerToken('b')));
    expect(user.source).to.equal(app.get(getSourceToken('in', 'b')));
    expect(user.sink).to.equal(app.get(getSinkToken('out', 'b')));
    await app.close();
  });

  it('make Nest name what is missing', async () => {
    @Injectable()
    class User {
      constructor(@InjectSource('orders') readonly source: Observable<Delivery>) {}
    }
    const error = await refusal(Test.createTestingModule({ providers: [User] }).compile());
    expect(error.message).to.include("rx-weir source 'orders' of broker 'default'");
  });

  it('have tokens that differ where the names do', () => {
    const tokens = [
      getBrokerToken(),
      getBrokerToken('a'),
      getSourceToken('a'),
      getSourceToken('a', 'a'),
      getSinkToken('a'),
      getSinkToken('a', 'a'),
    ];
    expect(new Set(tokens)).to.have.property('size', tokens.length);
    expect(getBrokerToken()).to.equal(getBrokerToken('default'));
    expect(() => getSourceToken('')).to.throw(InvalidOptionError, 'name must be a non-empty string');
    expect(() => InjectBroker(1 as unknown as string)).to.throw(InvalidOptionError);
  });
});

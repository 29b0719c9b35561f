import { expect } from 'chai';
import { ProtocolError } from '../../../lib/core/errors.js';
import { malformedFields } from '../../core/wire/malformed-fields.js';
import { hexBytes, oddView } from './bytes.js';
import { responses } from './responses-table.js';

describe('liftbridge codec: malformed messages', () => {
  for (const { name, decode } of responses) {
    it(name, () => {
      for (const [title, hex, words] of malformedFields) {
        for (const bytes of [hexBytes(hex), oddView(hexBytes(hex))]) {
          expect(() => decode(bytes), title)
            .to.throw(ProtocolError, words)
            .with.property('broker', 'liftbridge');
        }
      }
    });
  }

  it('a known field of another wire type', () => {
    for (const { name, decode } of responses.filter(
      ({ type }) => !/^(Create|Delete|Pause|Set|Leave|Report)/.test(type),
    )) {
      expect(() => decode(hexBytes('0d00000000')), name).to.throw(ProtocolError, 'wire type 5');
    }
  });

  it('the error says what was read, where, and what to do', () => {
    const { decode } = responses.find(({ name }) => name === 'PublishToSubjectResponse')!;
    expect(() => decode(hexBytes('0a040a0173')))
      .to.throw(
        ProtocolError,
        'cannot read a Liftbridge PublishToSubjectResponse: a field is longer than the rest of it, at byte 1',
      )
      .with.deep.property('detail', { frame: 'PublishToSubjectResponse', at: 1 });
    expect(() => decode(hexBytes('0a030a0273'))).to.throw(ProtocolError, 'cannot read a Liftbridge Ack');
  });
});

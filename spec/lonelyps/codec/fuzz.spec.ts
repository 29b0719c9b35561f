import fc from 'fast-check';
import { ProtocolError } from '../../../lib/core/errors.js';
import { parseHmacHeader } from '../../../lib/lonelyps/codec/hmac-header.js';
import { decodeBase64, decodeBase64Url } from '../../../lib/lonelyps/codec/base64.js';
import { decodeMissedCallback, decodeReceiveHead } from '../../../lib/lonelyps/codec/callbacks.js';
import { decodeFromBroadcaster } from '../../../lib/lonelyps/codec/from-broadcaster.js';
import { compileGlob, globProblem, globWarning } from '../../../lib/lonelyps/codec/glob.js';
import {
  decodeCheckAnswer,
  decodeGenericAnswer,
  decodeNotifyAnswer,
} from '../../../lib/lonelyps/codec/http-answers.js';
import { sha512OfReprDigest } from '../../../lib/lonelyps/codec/repr-digest.js';
import { topicBytes, topicText } from '../../../lib/lonelyps/codec/topic-text.js';
import * as broadcaster from '../codec-of-broadcaster/http.js';
import { encodeFromBroadcaster, encodeFromBroadcasterExpanded } from '../codec-of-broadcaster/websocket.js';
import { fromBroadcaster } from './arbitraries.js';
import { numbers, utf8 } from './bytes.js';
import { fuzzRounds } from '../../support/fuzz-rounds.js';

const rounds = fuzzRounds;
const seed = 20_240_601;
const longest = 400;

/** Calls `decode` with bytes of chance, and with good ones of which some were changed, added or taken away. */
function fuzz(decode: (bytes: Uint8Array) => unknown, good: readonly Uint8Array[]): void {
  const next = numbers(seed);
  const work = new Uint8Array(longest + 56);
  const attempt = (length: number): void => {
    const bytes = work.subarray(3, 3 + length);
    try {
      decode(bytes);
    } catch (error) {
      if (error instanceof ProtocolError && error.broker === 'lonelyps') return;
      throw new Error(`the bytes ${bytes.toString()} gave another error`, { cause: error });
    }
  };
  for (let i = 0; i < rounds; i++) {
    const length = next(60);
    // small numbers, which can be types and lengths that fit
    for (let at = 3; at < 3 + length; at++) work[at] = next(3) === 0 ? next(256) : next(3) === 0 ? next(16) : 0;
    attempt(length);
  }
  for (let i = 0; i < rounds; i++) {
    const bytes = good[next(good.length)]!;
    let { length } = bytes;
    work.set(bytes, 3);
    for (let changes = next(8) === 0 ? 3 : 1; changes > 0; changes--) {
      const at = 3 + next(length + 1);
      const kind = next(8);
      if (kind === 0) length = at - 3;
      else if (kind < 4) work[at] = next(256);
      else if (kind < 7) work[at] = work[at]! ^ (1 << next(8));
      else {
        work.copyWithin(at + 1, at, 3 + length);
        work[at] = next(256);
        length++;
      }
    }
    attempt(length);
  }
}

/** Calls `read` with texts of chance out of some pieces; it never throws. */
function fuzzText(pieces: readonly string[], read: (text: string) => unknown): void {
  const next = numbers(seed);
  for (let i = 0; i < rounds; i++) {
    let text = '';
    for (let length = next(14); length > 0; length--) text += pieces[next(pieces.length)]!;
    read(text);
  }
}

describe('lonelyps codec: bytes of chance give a value or a typed error', () => {
  const { stackTraceLimit } = Error;
  // most fail, and a stack for each takes longer than all else here
  before(() => (Error.stackTraceLimit = 0));
  after(() => (Error.stackTraceLimit = stackTraceLimit));

  const [topic, id, trace] = [utf8('foo/bar'), utf8('1234'), utf8('trace')];
  const auth = 'Bearer token';

  it('GENERIC', () => {
    fuzz(decodeGenericAnswer, [broadcaster.encodeGenericAnswer(), broadcaster.encodeGenericAnswer(auth, trace)]);
  });

  it('NOTIFY', () => {
    fuzz(decodeNotifyAnswer, [
      broadcaster.encodeNotifyAnswer(1, id),
      broadcaster.encodeNotifyAnswer(1, id, auth, trace),
    ]);
  });

  it('CHECK_SUBSCRIPTIONS', () => {
    fuzz(decodeCheckAnswer, [broadcaster.encodeCheckAnswer(new Uint8Array(64), auth, trace)]);
  });

  it('RECEIVE callbacks, as a whole and not', () => {
    const good = [broadcaster.encodeReceive(topic, id, trace), broadcaster.encodeReceive(topic, id, trace, trace)];
    fuzz((bytes) => decodeReceiveHead(bytes), good);
    fuzz((bytes) => decodeReceiveHead(bytes, true), good);
  });

  it('MISSED callbacks', () => {
    fuzz(decodeMissedCallback, [broadcaster.encodeMissed(topic), broadcaster.encodeMissed(topic, trace)]);
  });

  it('websocket messages', () => {
    const good = fc
      .sample(fromBroadcaster, { numRuns: 400, seed })
      .flatMap((message) => [encodeFromBroadcaster(message), encodeFromBroadcasterExpanded(message)])
      .filter(({ length }) => length < longest);
    fuzz(decodeFromBroadcaster, good);
  });

  it('topics, which always have a text that gives them back', () => {
    fuzz(
      (bytes) => {
        if (topicBytes(topicText(bytes)).toString() !== bytes.toString()) throw new Error('another topic came back');
      },
      [topic, utf8('é😀\u{10ffff}\ufeff\ufffd')],
    );
  });

  it('headers', () => {
    const code = 'A'.repeat(86);
    fuzzText(['X-HMAC ', '1700000000', ':', 'nonce', code, '==', '=', ' ', 'é', '\0', '-1'], parseHmacHeader);
    fuzzText(['sha-512', 'sha-256', '=', ',', ':', `${code}==`, ' ', '\t', 'é'], sha512OfReprDigest);
    fuzzText(['A', 'Ab', '/', '+', '-', '_', '=', '==', 'é', ' '], (text) => [
      decodeBase64(text),
      decodeBase64Url(text),
    ]);
  });

  it('globs', () => {
    const pieces = ['a', 'b', '/', '*', '**', '?', '[', ']', '^', '!', '-', '[a-c]', '[^a]', '😀', '\ud83d', '\0'];
    const topics = ['', 'a', 'a/b', '😀/é', 'aaaaaaaabbbb'];
    fuzzText(pieces, (glob) => {
      globWarning(glob);
      const matches = compileGlob(glob);
      const matched = topics.filter((each) => matches(each));
      if (globProblem(glob) !== undefined && matched.length > 0) throw new Error(`${glob} matched`);
    });
  });
});

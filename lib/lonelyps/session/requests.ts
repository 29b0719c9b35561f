import { ProtocolError } from '../../core/errors.js';
import { signedKinds, type Auth, type SignedKind } from '../auth/auth.js';
import type { Body } from '../body.js';
import { decodeCheckAnswer, decodeGenericAnswer, decodeNotifyAnswer, type Answer } from '../codec/http-answers.js';
import {
  checkBody,
  httpPaths,
  notifyHead,
  setBody,
  subscribeExactBody,
  subscribeGlobBody,
  unsubscribeExactBody,
  unsubscribeGlobBody,
} from '../codec/http-requests.js';
import { signed } from '../codec/signed.js';
import type { HttpAnswer, HttpClient, HttpRequest } from '../connection/http.js';
import { sameBytes } from '../connection/same-bytes.js';
import { failed, garbled, notTrusted, refusedBy, type Asked } from './answers.js';
import type { CallbackUrls, Listing } from './listing.js';
import type { Pattern } from './session.js';
import type { Verdict } from './verdict.js';

/** What {@link Requests} are made of. @internal */
export interface RequestsParts {
  readonly client: HttpClient;
  readonly auth: Auth;
  /** Those of a handle that only publishes are empty. */
  readonly urls: CallbackUrls;
}

/** A request, but for its authorization. */
interface Outgoing {
  readonly path: string;
  readonly kind: SignedKind;
  readonly rest: () => Uint8Array;
  readonly head: Uint8Array;
  readonly body?: Body | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is done with an answer. */
interface Expected<T> {
  /** A status other than 2xx that means success, with an empty body. */
  readonly also?: number | undefined;
  readonly decode: (bytes: Uint8Array) => T & Answer;
  readonly kind: SignedKind;
  readonly rest: (answer: T) => Uint8Array;
}

/** The requests that a broadcaster serves, one attempt at a time; each is signed anew, because a signature is good once. @internal */
export class Requests {
  constructor(private readonly parts: RequestsParts) {}

  /** What the broadcaster has: the etag of its list. */
  async check(base: string, signal?: AbortSignal): Promise<Verdict<Uint8Array>> {
    const { receive } = this.parts.urls;
    const verdict = await this.ask(
      base,
      {
        path: httpPaths.check,
        kind: signedKinds.check,
        rest: () => signed.check(receive),
        head: checkBody(receive),
        signal,
      },
      { decode: decodeCheckAnswer, kind: signedKinds.checked, rest: ({ etag }) => signed.checked(etag) },
    );
    return verdict.kind === 'done' && verdict.value !== undefined
      ? { kind: 'done', value: verdict.value.etag }
      : (verdict as Verdict<never>);
  }

  /** Puts the list in the place of what the broadcaster has. */
  set(base: string, { entries, etag }: Listing, signal?: AbortSignal): Promise<Verdict<unknown>> {
    const { receive } = this.parts.urls;
    return this.ask(
      base,
      {
        path: httpPaths.set,
        kind: signedKinds.set,
        rest: () => signed.set(receive, etag),
        head: setBody(receive, etag, entries.exact, entries.globs),
        signal,
      },
      { decode: decodeGenericAnswer, kind: signedKinds.wasSet, rest: () => signed.wasSet(etag) },
    );
  }

  /** Adds one to the list, or takes it away. That it is there already, or is not, is as good. */
  change(base: string, subscribe: boolean, pattern: Pattern, signal?: AbortSignal): Promise<Verdict<unknown>> {
    const { receive: url, recover } = this.parts.urls;
    const recovery = subscribe ? recover : undefined;
    if (pattern.kind === 'exact') {
      const { topic } = pattern;
      return this.ask(
        base,
        {
          path: subscribe ? httpPaths.subscribeExact : httpPaths.unsubscribeExact,
          kind: signedKinds.exact,
          rest: () => signed.exact(url, recovery, topic),
          head: subscribe ? subscribeExactBody(url, topic, recovery) : unsubscribeExactBody(url, topic),
          signal,
        },
        {
          also: 409,
          decode: decodeGenericAnswer,
          kind: signedKinds.confirmExact,
          rest: () => signed.confirmExact(url, recovery, topic),
        },
      );
    }
    const { glob } = pattern;
    return this.ask(
      base,
      {
        path: subscribe ? httpPaths.subscribeGlob : httpPaths.unsubscribeGlob,
        kind: signedKinds.glob,
        rest: () => signed.glob(url, recovery, glob),
        head: subscribe ? subscribeGlobBody(url, glob, recovery) : unsubscribeGlobBody(url, glob),
        signal,
      },
      {
        also: 409,
        decode: decodeGenericAnswer,
        kind: signedKinds.confirmGlob,
        rest: () => signed.confirmGlob(url, recovery, glob),
      },
    );
  }

  /**
   * Publishes, and gives how many subscribers have the message.
   * @param identifier - fresh for each attempt
   */
  async notify(
    base: string,
    topic: Uint8Array,
    body: Body,
    identifier: Uint8Array,
    signal?: AbortSignal,
  ): Promise<Verdict<number>> {
    const { sha512 } = body;
    const verdict = await this.ask(
      base,
      {
        path: httpPaths.notify,
        kind: signedKinds.notify,
        rest: () => signed.notify(topic, identifier, sha512),
        head: notifyHead(topic, sha512, identifier, body.length),
        body,
        signal,
      },
      {
        decode: (bytes) => {
          const answer = decodeNotifyAnswer(bytes);
          if (sameBytes(answer.identifier, identifier)) return answer;
          throw new ProtocolError('it is to another request: its identifier is not that of this one', {
            broker: 'lonelyps',
          });
        },
        kind: signedKinds.confirmNotify,
        rest: ({ notified }) => signed.confirmNotify(identifier, notified, topic, sha512),
      },
    );
    return verdict.kind === 'done' && verdict.value !== undefined
      ? { kind: 'done', value: verdict.value.notified }
      : (verdict as Verdict<never>);
  }

  /** @returns the value is undefined where the status alone said that all is well */
  private async ask<T extends object>(
    base: string,
    { path, kind, rest, head, body, signal }: Outgoing,
    expected: Expected<T>,
  ): Promise<Verdict<T | undefined>> {
    const { client, auth } = this.parts;
    const { toBroadcaster: signer, toSubscriber: verifier } = auth;
    const asked: Asked = { base, path, publishing: body !== undefined, auth: signer.type };
    const request: HttpRequest = { base, path, authorization: signer.sign(kind, rest), head, body, signal };
    let answer: HttpAnswer;
    try {
      answer = await client.post(request);
    } catch (failure) {
      return failed(failure);
    }
    if (answer.status === expected.also) return { kind: 'done', value: undefined };
    if (answer.status < 200 || answer.status > 299) return refusedBy(answer, asked);
    let value: T & Answer;
    try {
      value = expected.decode(answer.body);
    } catch (error) {
      return garbled(error, asked);
    }
    const { tracing, authorization } = value;
    const refusal = verifier.verify(expected.kind, () => expected.rest(value), tracing, authorization);
    return refusal === undefined ? { kind: 'done', value } : notTrusted(refusal, asked);
  }
}

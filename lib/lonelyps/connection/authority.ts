import { ProtocolError } from '../../core/errors.js';
import { signedKinds, type Auth, type Refusal, type SignedKind } from '../auth/auth.js';
import { signed } from '../codec/signed.js';
import type { Pattern } from '../session/session.js';
import type { Counters } from './counters.js';

const broker = 'lonelyps';

const nothing = (): Uint8Array => new Uint8Array();

const refusals: Readonly<Record<Exclude<Refusal, undefined>, string>> = {
  missing: 'has no authorization',
  wrong: 'has an authorization that is not the one of auth.toSubscriber',
  stale: 'was signed too long ago, or in the future; check the clocks of both machines',
  replayed: 'has an authorization that was used before',
};

/** What came from the broadcaster, as far as its authorization goes. @internal */
export interface Authorized {
  readonly authorization: string;
  readonly tracing: Uint8Array;
}

/**
 * Signs what goes over one connection, and checks what comes. The counter of a message is taken in the turn in which it is
 * sent, so that both sides count alike.
 * @internal
 */
export class Authority {
  private readonly signs: boolean;
  private readonly checks: boolean;

  constructor(
    private readonly auth: Auth,
    private readonly counters: Counters,
  ) {
    this.signs = auth.toBroadcaster.type === 'hmac';
    this.checks = auth.toSubscriber.type === 'hmac';
  }

  /** @param counter - of the request, which its confirmation is signed with too */
  change(pattern: Pattern, counter: number): string {
    return pattern.kind === 'exact'
      ? this.sign(signedKinds.exact, () => signed.exact(this.counters.url(counter), undefined, pattern.topic))
      : this.sign(signedKinds.glob, () => signed.glob(this.counters.url(counter), undefined, pattern.glob));
  }

  notify(topic: Uint8Array, identifier: Uint8Array, sha512: Uint8Array): string {
    return this.sign(signedKinds.notify, () => signed.notify(topic, identifier, sha512));
  }

  continueReceive(identifier: Uint8Array, part: number): string {
    const counter = this.counters.nextOwn();
    return this.sign(signedKinds.continueReceive, () =>
      signed.continueReceive(identifier, part, this.counters.url(counter)),
    );
  }

  confirmReceive(identifier: Uint8Array, subscribers: number): string {
    const counter = this.counters.nextOwn();
    return this.sign(signedKinds.confirmReceive, () =>
      signed.confirmReceive(identifier, subscribers, this.counters.url(counter)),
    );
  }

  checkChanged(from: Authorized, pattern: Pattern, counter: number): void {
    const what = 'confirmation of a subscription';
    if (pattern.kind === 'exact') {
      this.check(signedKinds.confirmExact, from, what, () =>
        signed.confirmExact(this.counters.url(counter), undefined, pattern.topic),
      );
    } else {
      this.check(signedKinds.confirmGlob, from, what, () =>
        signed.confirmGlob(this.counters.url(counter), undefined, pattern.glob),
      );
    }
  }

  checkNotified(from: Authorized, identifier: Uint8Array, count: number, topic: Uint8Array, sha512: Uint8Array): void {
    this.check(signedKinds.confirmNotify, from, 'confirmation of a notification', () =>
      signed.confirmNotify(identifier, count, topic, sha512),
    );
  }

  checkContinued(from: Authorized, identifier: Uint8Array, part: number): void {
    this.check(signedKinds.continueNotify, from, 'confirmation of a part', () =>
      signed.continueNotify(identifier, part),
    );
  }

  checkReceived(from: Authorized, topic: Uint8Array, identifier: Uint8Array, sha512: Uint8Array): void {
    const counter = this.counters.nextOfBroadcaster();
    this.check(signedKinds.receive, from, 'message', () =>
      signed.receive(this.counters.url(counter), topic, identifier, sha512),
    );
  }

  checkMissed(from: Authorized, topic: Uint8Array): void {
    const counter = this.counters.nextOfBroadcaster();
    this.check(signedKinds.missed, from, 'word of a missed message', () =>
      signed.missed(this.counters.url(counter), topic),
    );
  }

  checkPreset(from: Authorized, id: number, level: number, minSize: number, maxSize: bigint): void {
    const counter = this.counters.nextOfBroadcaster();
    this.check(signedKinds.enablePreset, from, 'choice of a compressor', () =>
      signed.enablePreset(this.counters.url(counter), id, signable(level), minSize, maxSize),
    );
  }

  checkCustom(from: Authorized, id: number, level: number, minSize: number, maxSize: bigint, sha512: Uint8Array): void {
    const counter = this.counters.nextOfBroadcaster();
    this.check(signedKinds.enableCustom, from, 'dictionary', () =>
      signed.enableCustom(this.counters.url(counter), id, signable(level), minSize, maxSize, sha512),
    );
  }

  checkDisabled(from: Authorized, id: number): void {
    const counter = this.counters.nextOfBroadcaster();
    this.check(signedKinds.disableCustom, from, 'withdrawal of a dictionary', () =>
      signed.disableCustom(id, this.counters.url(counter)),
    );
  }

  private sign(kind: SignedKind, rest: () => Uint8Array): string {
    return this.auth.toBroadcaster.sign(kind, this.signs ? rest : nothing);
  }

  private check(kind: SignedKind, from: Authorized, what: string, rest: () => Uint8Array): void {
    const { authorization, tracing } = from;
    const refusal = this.auth.toSubscriber.verify(kind, this.checks ? rest : nothing, tracing, authorization);
    if (refusal === undefined) return;
    throw new ProtocolError(`A ${what} of the broadcaster ${refusals[refusal]}.`, { broker, detail: { refusal } });
  }
}

/** What is signed has no room for a sign. */
function signable(level: number): number {
  if (level >= 0) return level;
  throw new ProtocolError(`The broadcaster chose the compression level ${level}, which HMAC cannot sign.`, { broker });
}

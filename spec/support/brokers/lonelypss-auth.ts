import { randomBytes } from 'node:crypto';

/** How one side shows the other who it is. An HMAC secret is 64 bytes as URL-safe base64 without padding. */
export type LonelypssSide =
  | { readonly type: 'none' }
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'hmac'; readonly secret: string };

/** Both sides, in the words of a client's option `auth`. */
export interface LonelypssAuth {
  readonly toBroadcaster: LonelypssSide;
  readonly toSubscriber: LonelypssSide;
}

/** A kind, which gets a secret of its own, or a side with its secret. */
export type LonelypssSideChoice = LonelypssSide['type'] | LonelypssSide;

/** One choice for both sides, or one for each. A side that is left out has none. */
export type LonelypssAuthChoice =
  LonelypssSide['type'] | { readonly toBroadcaster?: LonelypssSideChoice; readonly toSubscriber?: LonelypssSideChoice };

interface SecretsFile {
  readonly version: string;
  readonly 'to-broadcaster'?: SecretsOfSide;
  readonly 'to-subscriber'?: SecretsOfSide;
}

interface SecretsOfSide {
  readonly type: 'token' | 'hmac';
  readonly secret: string;
}

/** Settles on secrets. */
export function chosenAuth(choice: LonelypssAuthChoice = 'none'): LonelypssAuth {
  const { toBroadcaster = 'none', toSubscriber = 'none' } =
    typeof choice === 'string' ? { toBroadcaster: choice, toSubscriber: choice } : choice;
  return { toBroadcaster: chosenSide(toBroadcaster), toSubscriber: chosenSide(toSubscriber) };
}

/** The text of broadcaster-secrets.json and of subscriber-secrets.json, which are the same. */
export function secretsText({ toBroadcaster, toSubscriber }: LonelypssAuth): string {
  const file: SecretsFile = {
    version: '2',
    ...(toBroadcaster.type !== 'none' && { 'to-broadcaster': secretsOf(toBroadcaster) }),
    ...(toSubscriber.type !== 'none' && { 'to-subscriber': secretsOf(toSubscriber) }),
  };
  return JSON.stringify(file);
}

/** Reads such a text; undefined where a server has none, which then asks for none. */
export function authOf(secrets: string | undefined): LonelypssAuth {
  const file: Partial<SecretsFile> = secrets === undefined ? {} : (JSON.parse(secrets) as SecretsFile);
  return { toBroadcaster: sideOf(file['to-broadcaster']), toSubscriber: sideOf(file['to-subscriber']) };
}

/** Whether an auth is one that somebody asks for: of the kinds named, and with the secrets given. */
export function isChosen(auth: LonelypssAuth, choice: LonelypssAuthChoice): boolean {
  const { toBroadcaster = 'none', toSubscriber = 'none' } =
    typeof choice === 'string' ? { toBroadcaster: choice, toSubscriber: choice } : choice;
  return fits(auth.toBroadcaster, toBroadcaster) && fits(auth.toSubscriber, toSubscriber);
}

function fits(side: LonelypssSide, choice: LonelypssSideChoice): boolean {
  return typeof choice === 'string' ? side.type === choice : JSON.stringify(side) === JSON.stringify(choice);
}

function chosenSide(choice: LonelypssSideChoice): LonelypssSide {
  const secret = randomBytes(64).toString('base64url');
  switch (choice) {
    case 'none':
      return { type: 'none' };
    case 'token':
      return { type: 'token', token: secret };
    case 'hmac':
      return { type: 'hmac', secret };
    default:
      return choice;
  }
}

function secretsOf(side: Exclude<LonelypssSide, { type: 'none' }>): SecretsOfSide {
  return side.type === 'token' ? { type: 'token', secret: side.token } : { type: 'hmac', secret: side.secret };
}

function sideOf(secrets: SecretsOfSide | undefined): LonelypssSide {
  if (secrets === undefined) {
    return { type: 'none' };
  }
  return secrets.type === 'token' ? { type: 'token', token: secrets.secret } : { type: 'hmac', secret: secrets.secret };
}

import { count, object, oneOf, required, text, type Checker, type Shape } from '../core/check.js';
import { InvalidOptionError } from '../core/errors.js';

/** A port of our own for the callbacks of broadcasters. */
export interface ReceiveOnPort {
  readonly listen: {
    /**
     * The address to listen on.
     * @defaultValue `'0.0.0.0'`, all of IPv4, where `host` says how broadcasters get there; else `'127.0.0.1'`, where only
     * this machine gets
     */
    readonly host?: string | undefined;
    /**
     * The port; 0 for any that is free.
     * @defaultValue 0; it must be given where `host` is
     */
    readonly port?: number | undefined;
  };
  /**
   * How broadcasters get there: scheme, host, port, and where wanted a path prefix and a `#fragment`. With these it is the
   * name of this subscriber: two that give the same take each other's subscriptions away.
   * @defaultValue `http://`, the address and the port that is listened on
   */
  readonly host?: string | undefined;
}

/** A request handler to mount in an application's own server. */
export interface ReceiveByHandler {
  readonly handler: true;
  /** How broadcasters get there; see {@link ReceiveOnPort.host}. A path that the application strips is part of it. */
  readonly host: string;
}

/** The websocket that goes out also brings in. */
export interface ReceiveOverWebSocket {
  readonly websocket: true;
}

/** How messages come in. */
export type LonelypsReceive = ReceiveOnPort | ReceiveByHandler | ReceiveOverWebSocket;

/** Where callbacks come in. @internal */
export interface CallbackHost {
  /** Scheme, host and port. */
  readonly origin: string;
  /** The path before `/v1/receive`, without a slash at the end; '' for none. */
  readonly prefix: string;
  /** With its `#`; '' for none. */
  readonly fragment: string;
}

/** @internal */
export type ResolvedReceive =
  | {
      readonly kind: 'listen';
      readonly address: string;
      readonly port: number;
      /** Undefined: what is listened on. */
      readonly host: CallbackHost | undefined;
    }
  | { readonly kind: 'handler'; readonly host: CallbackHost }
  | { readonly kind: 'websocket' }
  | { readonly kind: 'none' };

const listenShape: Shape<ReceiveOnPort['listen']> = { host: text(), port: count({ min: 0, max: 65_535 }) };
// somebody may have put a password into it
const hostText = text({ problem: hostProblem, secret: true });
const forms: Readonly<Record<string, Checker>> = {
  listen: object<ReceiveOnPort>({ listen: required(object(listenShape)), host: hostText }),
  handler: object<ReceiveByHandler>({ handler: required(oneOf(true)), host: required(hostText) }),
  websocket: object<ReceiveOverWebSocket>({ websocket: required(oneOf(true)) }),
};
const accepts = '{ listen: { host, port }, host }, { handler: true, host }, or { websocket: true }';

/** @internal */
export const receiveChecker: Checker = {
  accepts,
  problem(name, value) {
    const form = Object.keys(forms).find((key) => typeof value === 'object' && value !== null && key in value);
    return form === undefined ? `${name} must be ${accepts}` : forms[form]?.problem(name, value);
  },
};

/**
 * The option, which was checked, with its defaults.
 * @throws InvalidOptionError
 * @internal
 */
export function resolveReceive(
  where: string,
  receive: LonelypsReceive | undefined,
  transport: 'http' | 'websocket',
): ResolvedReceive {
  const refuse = (problem: string): never => {
    throw new InvalidOptionError(`${where}: ${problem}`, { broker: 'lonelyps' });
  };
  if (transport === 'websocket') {
    if (receive === undefined || 'websocket' in receive) return { kind: 'websocket' };
    const [form] = Object.keys(receive);
    return refuse(
      `receive.${form} is for broadcasters that begin with 'http'; over a websocket messages come in by themselves: ` +
        'leave receive out',
    );
  }
  if (receive === undefined || 'websocket' in receive) return { kind: 'none' };
  if ('handler' in receive) return { kind: 'handler', host: callbackHost(receive.host) };
  const { listen, host } = receive;
  if (host !== undefined) {
    if (listen.port === undefined) refuse('receive.listen.port is required where receive.host is given');
    return {
      kind: 'listen',
      address: listen.host ?? '0.0.0.0',
      port: listen.port ?? 0,
      host: callbackHost(host),
    };
  }
  const address = listen.host ?? '127.0.0.1';
  if (address === '0.0.0.0' || /^\[?(0{0,4}:)+0{0,4}\]?$/.test(address)) {
    refuse(
      `receive.listen.host is all addresses of this machine; give receive.host, which says by which one broadcasters ` +
        "get there, such as 'http://10.0.0.5:3002'",
    );
  }
  return { kind: 'listen', address, port: listen.port ?? 0, host: undefined };
}

/** The callbacks' URLs, exactly as they are registered and signed. @internal */
export function callbackUrls(host: CallbackHost): { readonly receive: string; readonly recover: string } {
  const { origin, prefix, fragment } = host;
  return {
    receive: `${origin}${prefix}/v1/receive${fragment}`,
    recover: `${origin}${prefix}/v1/recover${fragment}`,
  };
}

/** What is listened on, as a host. @internal */
export function listeningHost(address: string, port: number): CallbackHost {
  const name = address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
  return { origin: `http://${name}:${port}`, prefix: '', fragment: '' };
}

function callbackHost(given: string): CallbackHost {
  const { origin, pathname, hash } = new URL(given);
  return { origin, prefix: pathname.replace(/\/+$/, ''), fragment: hash };
}

/** What is wrong with how broadcasters get there. */
function hostProblem(given: string): string | undefined {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return "it is no URL that begins with 'http://' or 'https://'";
  if (url.username !== '' || url.password !== '') return 'a user or password has no place there';
  if (url.search !== '' || /^[^#]*\?/.test(given)) return 'a query has no place there; a path or a #fragment has';
  if (given.length > 16_384) return 'it is too long';
  return undefined;
}

import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { badMaterial } from '../../core/socket-failures.js';
import { nodeTlsOptions, type TlsOptions } from '../../core/tls.js';
import type { Address } from './address.js';
import type { ChannelOptions } from './channel.js';
import { connectTimedOut, notConnected, notNegotiated, type Attempt, type Phase } from './connect-failures.js';
import type { Established } from './http-channel.js';

/** The smallest window of the connection, in bytes: one call that does not read must not hold up the others. */
const leastConnectionWindow = 16 * 1024 * 1024;

/** An attempt to connect: socket, TLS where it is wanted, and the broker's HTTP/2 settings. @internal */
export class Opening<T> {
  readonly established: Promise<T>;
  readonly #address: Address;
  readonly #options: ChannelOptions;
  readonly #make: (established: Established) => T;
  readonly #socket: Socket;
  #session: ClientHttp2Session | undefined;
  #phase: Phase = 'connecting';
  #resolve!: (made: T) => void;
  #reject!: (error: unknown) => void;
  #settled = false;

  /**
   * @param make - what is made of it, in the same step, so that nothing of what follows is missed
   * @throws InvalidOptionError where certificates or keys cannot be read
   */
  constructor(address: Address, options: ChannelOptions, make: (established: Established) => T) {
    this.#make = make;
    this.#address = address;
    this.#options = options;
    this.established = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#socket = options.tls ? this.#secure(options.tls) : this.#plain();
    // for as long as the socket lives: an error that nobody listens to would end the process
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.once('close', () => this.#fail(undefined));
  }

  /** Ends an attempt that has not come to its end. */
  abandon(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#session?.destroy();
    this.#socket.destroy();
    this.#reject(error);
  }

  timedOut(): void {
    this.abandon(connectTimedOut(this.#attempt(), this.#options.connectTimeout));
  }

  #plain(): Socket {
    const { host, port } = this.#address;
    const socket = connectTcp({ host, port, noDelay: true, keepAlive: true });
    socket.once('connect', () => this.#greet());
    return socket;
  }

  #secure(tls: TlsOptions): Socket {
    const { host, port } = this.#address;
    let socket: TLSSocket;
    try {
      socket = connectTls({
        ...nodeTlsOptions(tls, isIP(host) === 0 ? host : undefined),
        host,
        port,
        ALPNProtocols: ['h2'],
      });
    } catch (error) {
      throw badMaterial(error, 'liftbridge');
    }
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    socket.once('connect', () => {
      this.#phase = 'securing';
    });
    socket.once('secureConnect', () => {
      if (socket.alpnProtocol === 'h2') this.#greet();
      else this.abandon(notNegotiated(this.#address));
    });
    return socket;
  }

  /** Sends our settings, and waits for those of the broker. */
  #greet(): void {
    if (this.#settled) return;
    this.#phase = 'greeting';
    const { windowBytes, tls } = this.#options;
    // the name is in every request; this one is never seen
    const session = connectHttp2(tls ? 'https://liftbridge' : 'http://liftbridge', {
      createConnection: () => this.#socket,
      settings: { enablePush: false, initialWindowSize: windowBytes },
      // the windows bound what is held
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
    });
    this.#session = session;
    session.on('error', (error) => this.#fail(error));
    session.once('close', () => this.#fail(undefined));
    session.once('connect', () => {
      if (!session.destroyed) session.setLocalWindowSize(Math.max(4 * windowBytes, leastConnectionWindow));
    });
    session.once('remoteSettings', () => {
      if (this.#settled || session.destroyed) return;
      this.#settled = true;
      this.#resolve(this.#make({ socket: this.#socket, session }));
    });
  }

  #fail(error: unknown): void {
    this.abandon(notConnected(error, this.#attempt()));
  }

  #attempt(): Attempt {
    const { tls } = this.#options;
    const certified = tls?.cert !== undefined || tls?.pfx !== undefined;
    return { address: this.#address, phase: this.#phase, tls: tls !== undefined, certified };
  }
}

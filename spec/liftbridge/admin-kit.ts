import { systemClock } from '../../lib/core/clock.js';
import { Connecting } from '../../lib/core/connecting.js';
import type { Logger } from '../../lib/core/logger.js';
import { Admin } from '../../lib/liftbridge/admin.js';
import { Cursors } from '../../lib/liftbridge/cursors.js';
import { resolveOptions, type LiftbridgeOptions } from '../../lib/liftbridge/options.js';
import { Session } from '../../lib/liftbridge/session/session.js';
import type { LiftbridgeServer } from '../support/brokers/index.js';

/** The administration of a handle, without the handle. */
export interface Administration {
  readonly admin: Admin;
  readonly cursors: Cursors;
  readonly session: Session;
  close(): Promise<void>;
}

export function administer(options: LiftbridgeOptions): Administration {
  const connecting = new Connecting();
  const resolved = resolveOptions(options);
  const session = new Session({
    options: resolved,
    clock: systemClock,
    hooks: {
      located: () => connecting.made(),
      connected: () => undefined,
      interrupted: () => undefined,
      failed: (error) => connecting.failed(error),
    },
  });
  const cursors = new Cursors(session);
  const admin = new Admin({
    session,
    cursors,
    clock: systemClock,
    log: resolved.logger,
    requestTimeout: resolved.requestTimeout,
    connect: async (signal) => {
      if (session.up) return;
      const connected = connecting.wait(signal);
      session.start();
      await connected;
    },
  });
  return { admin, cursors, session, close: () => session.close(1_000) };
}

/** How to connect to a server. */
export function optionsFor({ url, certificates }: LiftbridgeServer): LiftbridgeOptions {
  if (!certificates) return { brokers: url };
  const { ca, clientCert: cert, clientKey: key } = certificates.pem;
  return { brokers: url, tls: { ca, cert, key } };
}

/** Writes down what is logged. */
export class Notes implements Logger {
  readonly lines: string[] = [];
  readonly debug = (message: string): unknown => this.lines.push(`debug ${message}`);
  readonly info = (message: string): unknown => this.lines.push(`info ${message}`);
  readonly warn = (message: string): unknown => this.lines.push(`warn ${message}`);
  readonly error = (message: string): unknown => this.lines.push(`error ${message}`);
}

import { WeirError } from '../../core/errors.js';
import { exitCodeOf } from '../exit.js';
import type { Opened } from '../open.js';
import { failed, ok, skipped, type Check } from './check.js';

const accepted = 'the broker lets this client in';

/** Connects as a program would, and says which part of it went wrong. */
export async function examineSession(opened: Opened, signal: AbortSignal): Promise<readonly Check[]> {
  const begun = performance.now();
  try {
    await opened.broker.connect({ signal });
  } catch (error) {
    return refused(opened, error);
  }
  const took = `${(performance.now() - begun).toFixed(0)} ms`;
  const session = ok('session', `connected in ${took}`);
  // over HTTP nobody is asked who they are before there is something to do
  if (opened.kind === 'lonelyps') return [session, skipped('authentication', 'shown by the round trip')];
  return [session, ok('authentication', opened.kind === 'memory' ? 'none is needed' : accepted)];
}

function refused(opened: Opened, error: unknown): readonly Check[] {
  const code = exitCodeOf(error);
  const found = error instanceof Error ? error.message : String(error);
  const kind = error instanceof WeirError ? error.code : undefined;
  if (kind === 'AUTHENTICATION') {
    return [failed('authentication', found, code, credentialAdvice(opened))];
  }
  if (kind === 'AUTHORIZATION') {
    const advice =
      'let the user do that on the server, or connect as another; a virtual host has permissions of its own';
    return [ok('authentication', accepted), failed('authorization', found, code, advice)];
  }
  const { clusterId } = error instanceof WeirError ? (error.detail ?? {}) : {};
  if (clusterId !== undefined) {
    // the NATS server has let us in by then
    const advice = `check the cluster id behind the host, '${String(clusterId)}': it is what the server was started with (-cid)`;
    return [ok('authentication', accepted), failed('session', found, code, advice)];
  }
  return [failed('session', found, code, 'look into the log of the broker; --trace tells more of this side')];
}

export function credentialAdvice({ kind, url }: Opened): string {
  const ways = '--creds FILE, or RX_WEIR_USER and RX_WEIR_PASSWORD';
  if (kind === 'rabbitmq-stream' && url.user === undefined) {
    return `no user is given, so it is guest, whom RabbitMQ accepts from its own machine only; give ${ways}`;
  }
  if (kind === 'lonelyps') return 'give the subscriber-secrets.json of the broadcaster with --creds';
  return `check user and password, ${ways}`;
}

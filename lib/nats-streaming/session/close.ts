import type { Clock } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import { encodeCloseRequest } from '../codec/close.js';
import { decodePingResponse, encodePing } from '../codec/ping.js';
import type { ResolvedOptions } from '../options.js';
import type { Registration } from './register.js';
import type { Requests } from './requests.js';

/**
 * Tells the server that this client goes. The request names the client id alone, so it would end the session of whoever holds
 * that id: it is sent only after the server has said that this registration still holds it. Resolves with whether the server
 * answered, after `ms` at the latest; never rejects.
 * @internal
 */
export async function farewell(
  requests: Requests,
  registration: Registration,
  options: ResolvedOptions,
  clock: Clock,
  ms: number,
): Promise<boolean> {
  const deadline = clock.now() + ms;
  const left = (): number => Math.max(0, deadline - clock.now());
  const { pingRequests, closeRequests } = registration.subjects;
  if (registration.pingInterval !== undefined) {
    const answer = await ask(requests, pingRequests, encodePing({ connId: registration.connId }), left());
    if (answer.error) return false;
    if (!isGood(answer.reply)) return true;
  }
  const closed = await ask(requests, closeRequests, encodeCloseRequest({ clientId: options.clientId }), left());
  return closed.error === undefined;
}

interface Answer {
  readonly error: WeirError | undefined;
  readonly reply: Uint8Array;
}

function ask(requests: Requests, subject: string, data: Uint8Array, ms: number): Promise<Answer> {
  return new Promise((resolve) => {
    requests.ask(subject, data, ms, (error, reply = new Uint8Array(0)) => {
      resolve({ error, reply });
    });
  });
}

function isGood(reply: Uint8Array): boolean {
  try {
    return decodePingResponse(reply).error === '';
  } catch {
    return false;
  }
}

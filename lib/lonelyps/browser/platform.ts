import { UnsupportedError } from '../../core/errors.js';
import type { Hashing, Platform } from '../platform.js';
import type { WebSocketConstructor } from '../web-socket.js';
import { toBody } from '../to-body.js';
import { loadZstdPackage } from '../zstd-package.js';
import { loadHashing } from './hashing.js';
import { MemoryWriter } from './memory-writer.js';
import { PageSocket } from './page-socket.js';

const broker = 'lonelyps';

/**
 * What a page has: its own WebSocket, and memory.
 * @param WebSocket - instead of the page's own
 * @internal
 */
export function browserPlatform({
  WebSocket,
}: { readonly WebSocket?: (new (url: string) => object) | undefined } = {}): Platform {
  let hashing: Hashing | undefined;
  const loaded = (): Hashing => {
    if (!hashing) throw new Error('the platform is used before load() has resolved');
    return hashing;
  };
  return {
    name: 'browser',
    async load(transport) {
      if (transport === 'http') {
        throw new UnsupportedError(
          'a page cannot use the HTTP of a broadcaster, which does not answer pages of other origins; give addresses with ws:// or wss:// as broadcasters, and receive: { websocket: true }',
          { broker },
        );
      }
      hashing ??= await loadHashing();
    },
    get hashing() {
      return loaded();
    },
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    startBody: () => new MemoryWriter(loaded()),
    toBody: (where, value, spoolSize, signal) =>
      toBody(value, { where, spoolSize, startBody: () => new MemoryWriter(loaded()), signal }),
    openSocket(url, options, handlers) {
      const constructor = (WebSocket as WebSocketConstructor | undefined) ?? pageWebSocket(url);
      return new PageSocket(constructor, url, options, handlers);
    },
    loadZstd: loadZstdPackage,
    http: undefined,
  };
}

function pageWebSocket(url: string): WebSocketConstructor {
  const { WebSocket } = globalThis as { readonly WebSocket?: WebSocketConstructor };
  if (WebSocket) return WebSocket;
  throw new UnsupportedError(
    `${url} needs a WebSocket, and this runtime has none; use Node 22 or later, or give one as the option WebSocket`,
    { broker, detail: { address: url } },
  );
}

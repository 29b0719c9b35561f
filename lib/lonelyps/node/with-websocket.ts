import { PageSocket, type WebSocketConstructor as SocketClass } from '../browser/page-socket.js';
import type { WebSocketConstructor } from '../options.js';
import type { Platform } from '../platform.js';

/** The same with another WebSocket than that of `ws`, such as Node's own. @internal */
export function withWebSocket(platform: Platform, WebSocket: WebSocketConstructor): Platform {
  return {
    ...platform,
    load: async (transport) => {
      if (transport === 'http') await platform.load(transport);
    },
    openSocket: (url, options, handlers) => new PageSocket(WebSocket as SocketClass, url, options, handlers),
  };
}

import { PageSocket } from '../browser/page-socket.js';
import type { Platform } from '../platform.js';
import type { WebSocketConstructor } from '../web-socket.js';

/** The same with another WebSocket than that of `ws`, such as Node's own. @internal */
export function withWebSocket(platform: Platform, WebSocket: WebSocketConstructor): Platform {
  return {
    ...platform,
    load: async (transport) => {
      if (transport === 'http') await platform.load(transport);
    },
    openSocket: (url, options, handlers) => new PageSocket(WebSocket, url, options, handlers),
  };
}

import { randomBytes } from 'node:crypto';
import { UnsupportedError } from '../../core/errors.js';
import type { Platform, Zstd } from '../platform.js';
import { toBody } from '../to-body.js';
import { nodeHashing } from './hashing.js';
import { makeListener } from './listener.js';
import { loadUndici, loadWs, type Undici, type Ws } from './packages.js';
import { makeClient } from './requests.js';
import { startSpool } from './spool.js';
import { bodyOfFile } from './user-file.js';
import { openNodeSocket } from './websocket.js';
import { loadNodeZstd } from './zstd.js';

let undici: Undici | undefined;
let ws: Ws | undefined;
let zstd: Promise<Zstd | undefined> | undefined;

/** Node: undici, ws, and what it has itself. @internal */
export const nodePlatform: Platform = {
  name: 'node',
  async load(transport) {
    if (transport === 'http') undici = await loadUndici();
    else ws = await loadWs();
  },
  hashing: nodeHashing,
  random: (length) => randomBytes(length),
  startBody: (spoolSize) => startSpool(spoolSize),
  toBody: (where, value, spoolSize, signal) =>
    toBody(value, { where, spoolSize, startBody: startSpool, fileBody: bodyOfFile, signal }),
  openSocket: (url, options, handlers) => openNodeSocket(loaded(ws), url, options, handlers),
  loadZstd: () => (zstd ??= loadNodeZstd()),
  http: {
    client: (options) => makeClient(loaded(undici), options),
    listener: makeListener,
  },
};

function loaded<T>(found: T | undefined): T {
  if (found === undefined)
    throw new UnsupportedError('the platform was used before load() resolved', { broker: 'lonelyps' });
  return found;
}

/** The numbers of the commands. A response has the number of its request with {@link responseBit}. */
export const keys = {
  declarePublisher: 0x01,
  publish: 0x02,
  publishConfirm: 0x03,
  publishError: 0x04,
  queryPublisherSequence: 0x05,
  deletePublisher: 0x06,
  subscribe: 0x07,
  deliver: 0x08,
  credit: 0x09,
  storeOffset: 0x0a,
  queryOffset: 0x0b,
  unsubscribe: 0x0c,
  create: 0x0d,
  delete: 0x0e,
  metadata: 0x0f,
  metadataUpdate: 0x10,
  peerProperties: 0x11,
  saslHandshake: 0x12,
  saslAuthenticate: 0x13,
  tune: 0x14,
  open: 0x15,
  close: 0x16,
  heartbeat: 0x17,
  route: 0x18,
  partitions: 0x19,
  consumerUpdate: 0x1a,
  exchangeCommandVersions: 0x1b,
  streamStats: 0x1c,
  createSuperStream: 0x1d,
  deleteSuperStream: 0x1e,
  resolveOffsetSpec: 0x1f,
} as const;

/** The number of a command. */
export type CommandKey = (typeof keys)[keyof typeof keys];

/** Set in the key of every response. */
export const responseBit = 0x8000;

const names = new Map<number, string>();
for (const [name, key] of Object.entries(keys)) {
  const upper = name.charAt(0).toUpperCase() + name.slice(1);
  names.set(key, upper);
  names.set(key | responseBit, `${upper} response`);
}

/** What a key is called, for errors and logs: `Metadata`, `Metadata response`, `command 0x0099`. */
export function keyName(key: number): string {
  return names.get(key) ?? `command 0x${key.toString(16).padStart(4, '0')}`;
}

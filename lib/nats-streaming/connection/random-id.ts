const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** 22 random letters and digits: as unique as a UUID, and a name that every subject may hold. @internal */
export function randomId(): string {
  const random = globalThis.crypto as typeof globalThis.crypto | undefined;
  let id = '';
  while (id.length < 22) {
    const bytes = new Uint8Array(32);
    if (random) random.getRandomValues(bytes);
    else for (let i = 0; i < bytes.length; i++) bytes[i] = Math.random() * 256;
    for (const byte of bytes) {
      // above the last multiple of 62, the first digits would come more often than the others
      if (byte < 248 && id.length < 22) id += digits.charAt(byte % 62);
    }
  }
  return id;
}

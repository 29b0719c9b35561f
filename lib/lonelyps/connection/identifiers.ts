/** Names for the messages of one connection: a random beginning and a number. @internal */
export class Identifiers {
  private count = 0;

  constructor(private readonly beginning: Uint8Array) {}

  next(): Uint8Array {
    const { beginning } = this;
    const identifier = new Uint8Array(beginning.length + 4);
    identifier.set(beginning);
    new DataView(identifier.buffer).setUint32(beginning.length, this.count++);
    return identifier;
  }
}

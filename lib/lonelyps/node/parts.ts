/** Under so many bytes a part is copied to others: each keeps some hundred bytes of bookkeeping alive, however short it is. */
const small = 2_048;
const slabSize = 16 * 1024;

/** The bytes of a body in memory, as they came. @internal */
export class Parts {
  readonly #parts: Uint8Array[] = [];
  /** Where small parts are put together; its filled start is the last of the parts. */
  #slab: Uint8Array | undefined;
  #filled = 0;

  add(part: Uint8Array): void {
    // most bodies are one part, which is not copied however small it is
    if (part.length >= small || this.#parts.length === 0) {
      this.#slab = undefined;
      this.#parts.push(part);
      return;
    }
    if (this.#slab === undefined || this.#filled + part.length > slabSize) {
      this.#slab = new Uint8Array(slabSize);
      this.#filled = 0;
      this.#parts.push(this.#slab);
    }
    this.#slab.set(part, this.#filled);
    this.#filled += part.length;
    this.#parts[this.#parts.length - 1] = this.#slab.subarray(0, this.#filled);
  }

  /** All of them, in order. Nothing is left. */
  take(): Uint8Array[] {
    this.#slab = undefined;
    return this.#parts.splice(0);
  }
}

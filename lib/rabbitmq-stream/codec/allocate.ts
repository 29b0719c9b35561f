/**
 * Gives memory to write a frame into. It need not be zeroed, as all of it is written before it is read; nothing else
 * may use it.
 */
export type Allocate = (size: number) => Uint8Array;

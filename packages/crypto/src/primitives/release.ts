/** Smaller ones may share their memory with others, and aren't worth it. */
const MIN_RELEASED: number = 32 * 1024;

/**
 * Frees the memory behind a large buffer at once, if it belongs to the buffer alone. The garbage collector would let tens
 * of megabytes of them pile up, since it hardly sees the memory behind them.
 *
 * Never for a body that a backend was given to write. A server may answer before it has read all of the request, and a call may be cut off:
 * Node then still sends from that memory, and would send what others have put there.
 */
export function release(buffer: Uint8Array): void {
  const { buffer: memory, byteOffset, byteLength } = buffer;
  if (memory instanceof ArrayBuffer && byteOffset + byteLength === memory.byteLength && byteLength >= MIN_RELEASED) {
    memory.transfer(0);
  }
}

/**
 * Memory for ciphertext that is written, which is used again once it is: the garbage collector hardly sees it, and would let tens of megabytes
 * pile up.
 *
 * Only what is written to one place may be put into it. Node may still send from the memory of a body whose write has resolved, if the server
 * answered before it had read all of it: then it sends ciphertext that this server gets in any case. Such memory is never freed at once,
 * since anything of the process could be there next.
 */
export class WrittenMemory {
  readonly #size: number;
  readonly #most: number;
  readonly #free: Buffer[] = [];

  /**
   * @param size bytes of each piece
   * @param most pieces that are kept
   */
  constructor(size: number, most: number) {
    this.#size = size;
    this.#most = most;
  }

  /** Memory of at least `length` bytes: a piece, or exactly so many if a piece is too small, or four times as large. */
  take(length: number): Buffer {
    if (length > this.#size || length < this.#size / 4) return Buffer.allocUnsafe(length);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
  }

  /** Takes back a piece, by its beginning, once the write of it has resolved. Not if it failed: the backend may still be reading it. */
  give({ buffer, byteOffset }: Buffer): void {
    if (byteOffset !== 0 || buffer.byteLength !== this.#size || this.#free.length === this.#most) return;
    this.#free.push(Buffer.from(buffer));
  }
}

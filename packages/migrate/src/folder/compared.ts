/** What passes through, and whether it was the same as something else. */
export interface Compared {
  readonly data: AsyncIterable<Uint8Array>;
  /** To be asked once `data` has been taken to its end. */
  readonly isSame: () => boolean;
}

/** Compares data with a file while something is done with them, however both are cut. */
export function compared(data: AsyncIterable<Uint8Array>, file: AsyncIterable<Uint8Array>): Compared {
  let isSame = true;
  async function* passing(): AsyncGenerator<Uint8Array> {
    const rest = file[Symbol.asyncIterator]();
    let held = Buffer.alloc(0);
    try {
      for await (const chunk of data) {
        while (isSame && held.length < chunk.length) {
          const { done, value } = await rest.next();
          if (done === true) isSame = false;
          else held = Buffer.concat([held, value]);
        }
        isSame &&= held.subarray(0, chunk.length).equals(chunk);
        held = held.subarray(chunk.length);
        yield chunk;
      }
      isSame &&= held.length === 0 && (await rest.next()).done === true;
    } finally {
      await rest.return?.();
    }
  }
  return { data: passing(), isSame: () => isSame };
}

/** Counts the bytes of buffers that are made while it runs. */
export interface Meter {
  readonly start: () => void;
  /** The bytes since `start`. */
  readonly stop: () => number;
}

type Allocate = (size: number, ...rest: never[]) => Buffer;
const WAYS = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const;

/**
 * Puts a meter before the functions by which Node makes buffers, in this thread and for good.
 *
 * @param most a single buffer of more bytes is refused before it is made, so that a length out of an input can't fill the memory
 */
export function meterBuffers(most: number): Meter {
  let counting = false;
  let bytes = 0;
  for (const way of WAYS) {
    const genuine = Buffer[way] as Allocate;
    const metered: Allocate = (size, ...rest) => {
      if (counting) {
        bytes += size;
        if (size > most) throw new Error(`a buffer of ${size} bytes`);
      }
      return genuine(size, ...rest);
    };
    Object.defineProperty(Buffer, way, { value: metered, configurable: true, writable: true });
  }
  return {
    start() {
      counting = true;
      bytes = 0;
    },
    stop() {
      counting = false;
      return bytes;
    },
  };
}

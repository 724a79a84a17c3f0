import { asBuffer, KEY_LENGTH, secretBytes } from '@securestore/core-format';
import type { SplitRecord } from '@securestore/core-format';

/** Slots are in sets; a record has its set by its commitment, which is as good as random. */
const SETS = 2048;
const WAYS = 4;
const SLOTS: number = SETS * WAYS;
/** The most bytes of H and E together that are remembered; this release writes no more. */
const MAX_START = 256;

interface Slots {
  readonly keys: Buffer;
  /** H and E of the record that each key is for. */
  readonly starts: Buffer;
  /** A part of the commitment in each slot, to compare no more than that with most of them. */
  readonly tags: Uint32Array;
  /** The way that each set gives up next. */
  readonly next: Uint8Array;
}

/** Zeroes keys that were collected as garbage, as Node does with the memory of a `KeyObject`. */
const abandoned: FinalizationRegistry<Buffer> = new FinalizationRegistry((keys) => void keys.fill(0));

/** H and E, which are one piece of memory. */
function startOf({ headerBytes, sealedBody }: SplitRecord): Buffer {
  return Buffer.from(headerBytes.buffer, headerBytes.byteOffset, sealedBody.byteOffset - headerBytes.byteOffset);
}

/** The set of a record, and its tag there. */
function placeOf({ envelope }: SplitRecord): { readonly set: number; readonly tag: number } {
  const commitment = asBuffer(envelope.commitment);
  return { set: commitment.readUInt16BE(0) % SETS, tag: commitment.readUInt32BE(2) };
}

/**
 * The payload keys of at most 8192 records that were opened lately with the key versions of one keyring. A record that is
 * opened again then takes two thirds of the time. The keyring tells a payload key from H and E alone, so to remember the
 * key exposes nothing more. It goes with the keyring, and the key of another record overwrites it.
 */
export class PayloadKeys {
  #slots: Slots | undefined;

  /** @returns a view, which is good until the next call; `undefined` unless H and E are the same, byte for byte */
  get(record: SplitRecord): Buffer | undefined {
    if (this.#slots === undefined) return undefined;
    const { keys, starts, tags } = this.#slots;
    const { set, tag } = placeOf(record);
    for (let slot = set * WAYS; slot < (set + 1) * WAYS; slot++) {
      if (tags[slot] !== tag) continue;
      const start = startOf(record);
      const at = slot * MAX_START;
      // H says how long it is, so what is equal so far is as long.
      if (start.length > MAX_START || start.compare(starts, at, at + start.length) !== 0) continue;
      return keys.subarray(slot * KEY_LENGTH, (slot + 1) * KEY_LENGTH);
    }
    return undefined;
  }

  /** Remembers a copy of `key`. */
  set(record: SplitRecord, key: Uint8Array): void {
    const start = startOf(record);
    if (start.length > MAX_START) return;
    const { keys, starts, tags, next } = (this.#slots ??= this.#reserve());
    const { set, tag } = placeOf(record);
    const way = next[set] ?? 0;
    const slot = set * WAYS + way;
    next[set] = (way + 1) % WAYS;
    tags[slot] = tag;
    starts.set(start, slot * MAX_START);
    keys.set(key, slot * KEY_LENGTH);
  }

  #reserve(): Slots {
    const keys = secretBytes(SLOTS * KEY_LENGTH);
    abandoned.register(this, keys);
    return {
      keys,
      starts: Buffer.alloc(SLOTS * MAX_START),
      tags: new Uint32Array(SLOTS),
      next: new Uint8Array(SETS),
    };
  }
}

import { asBuffer, KEY_LENGTH, secretBytes } from '@securestore/core-format';
import type { SplitRecord } from '@securestore/core-format';

/** Slots are in sets; a record has its set by its commitment, which is as good as random. */
const SETS = 2048;
const WAYS = 4;
/** So many sets there are at first: many keyrings open few records, and to reserve all slots takes longer than to open ten. */
const FIRST_SETS = 32;
/** The most bytes of H and E together that are remembered; this release writes no more. */
const MAX_START = 256;

interface Slots {
  readonly sets: number;
  readonly keys: Buffer;
  /** H and E of the record that each key is for. */
  readonly starts: Buffer;
  /** The beginning of the commitment in each slot: its set follows from that, and most others differ in it. */
  readonly tags: Uint32Array;
  /** How many keys each set has been given: it takes its ways in turn. */
  readonly given: Uint32Array;
}

/** Zeroes keys that were collected as garbage, as Node does with the memory of a `KeyObject`. */
const abandoned: FinalizationRegistry<Buffer> = new FinalizationRegistry((keys) => void keys.fill(0));

/** H and E, which are one piece of memory. */
function startOf({ headerBytes, sealedBody }: SplitRecord): Buffer {
  return Buffer.from(headerBytes.buffer, headerBytes.byteOffset, sealedBody.byteOffset - headerBytes.byteOffset);
}

const tagOf = ({ envelope }: SplitRecord): number => asBuffer(envelope.commitment).readUInt32BE(0);
/** The set of a record with this tag, among so many. */
const setOf = (tag: number, sets: number): number => (tag >>> 16) % sets;

/** Puts a key into the slot of its set that has had its key for longest. */
function put(slots: Slots, tag: number, start: Uint8Array, key: Uint8Array): void {
  const set = setOf(tag, slots.sets);
  const given = slots.given[set] ?? 0;
  const slot = set * WAYS + (given % WAYS);
  slots.given[set] = given + 1;
  slots.tags[slot] = tag;
  slots.starts.set(start, slot * MAX_START);
  slots.keys.set(key, slot * KEY_LENGTH);
}

const keyIn = ({ keys }: Slots, slot: number): Buffer => keys.subarray(slot * KEY_LENGTH, (slot + 1) * KEY_LENGTH);

/**
 * The payload keys of at most 8192 records that were opened lately with the key versions of one keyring. A record that is
 * opened again then takes two thirds of the time. The keyring tells a payload key from H and E alone, so to remember the
 * key exposes nothing more. It goes with the keyring, and the key of another record overwrites it.
 */
export class PayloadKeys {
  #slots: Slots | undefined;
  #remembered = 0;

  /** @returns a view, which is good until the next call; `undefined` unless H and E are the same, byte for byte */
  get(record: SplitRecord): Buffer | undefined {
    const slots = this.#slots;
    if (slots === undefined) return undefined;
    const tag = tagOf(record);
    const first = setOf(tag, slots.sets) * WAYS;
    for (let slot = first; slot < first + WAYS; slot++) {
      if (slots.tags[slot] !== tag) continue;
      const start = startOf(record);
      const at = slot * MAX_START;
      // H says how long it is, so what is equal so far is as long.
      if (start.length > MAX_START || start.compare(slots.starts, at, at + start.length) !== 0) continue;
      return keyIn(slots, slot);
    }
    return undefined;
  }

  /** Remembers a copy of `key`. */
  set(record: SplitRecord, key: Uint8Array): void {
    const start = startOf(record);
    if (start.length > MAX_START) return;
    let slots = (this.#slots ??= this.#reserve(FIRST_SETS));
    this.#remembered += 1;
    // Half of the slots are free, so that few sets have given up a key.
    if (slots.sets < SETS && this.#remembered > (slots.sets * WAYS) / 2) slots = this.#slots = this.#grown(slots);
    put(slots, tagOf(record), start, key);
  }

  #reserve(sets: number): Slots {
    const slots = sets * WAYS;
    const keys = secretBytes(slots * KEY_LENGTH);
    abandoned.register(this, keys);
    return {
      sets,
      keys,
      starts: Buffer.alloc(slots * MAX_START),
      tags: new Uint32Array(slots),
      given: new Uint32Array(sets),
    };
  }

  /** All slots, with the keys that are remembered. */
  #grown(few: Slots): Slots {
    const all = this.#reserve(SETS);
    for (const [set, given] of few.given.entries()) {
      for (let nth = Math.max(0, given - WAYS); nth < given; nth++) {
        const slot = set * WAYS + (nth % WAYS);
        const start = few.starts.subarray(slot * MAX_START, (slot + 1) * MAX_START);
        put(all, few.tags[slot] ?? 0, start, keyIn(few, slot));
      }
    }
    few.keys.fill(0);
    return all;
  }
}

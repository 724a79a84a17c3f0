import type { ListEntry, StorageBackend } from '@securestore/backend-api';
import type { BlobReference } from '@securestore/core-format';
import { asBuffer, BLOB_PREFIX_LENGTH, partName, SecureStoreError, tokenOf } from '@securestore/core-format';
import type { MigrationArea, SealedPayload } from '@securestore/objects/internal';
import { gate } from './gate.ts';

/** Parts of payloads that are copied at a time, of all objects together: this many are in memory. */
export const PARTS_AT_ONCE = 4;

/** So many objects are remembered, a part of which was copied that nothing was known to open. */
const MAX_UNCHECKED = 10_000;

/** What the records of one object say of their payloads. */
export class Payloads {
  readonly #byPrefix = new Map<string, SealedPayload>();

  /** Of versions that share a payload one may be closed that another one opens. */
  add(payload: SealedPayload | undefined): void {
    if (payload === undefined || this.#byPrefix.get(payload.prefix)?.isKnown === true) return;
    this.#byPrefix.set(payload.prefix, payload);
  }

  /** That of a part; `undefined` where no record that was read names it. */
  of(name: string): SealedPayload | undefined {
    return this.#byPrefix.get(name.slice(0, name.lastIndexOf('/') + 1));
  }
}

/** The names of the parts that a payload has by what its header says. */
export function* partNames(token: string, { blobId, sealedLength, partSize }: BlobReference): Generator<string> {
  const count = Math.max(1, Math.ceil((sealedLength - BLOB_PREFIX_LENGTH) / partSize));
  for (let part = 0; part < count; part++) yield partName(token, blobId, part);
}

/** What copying parts works with. */
interface PartPorts {
  readonly area: MigrationArea;
  readonly target: StorageBackend;
  readonly signal: AbortSignal | undefined;
  /** @throws SecureStoreError `TOO_LARGE` */
  readonly checkSize: (length: number) => void;
  readonly onCopied: (bytes: number) => void;
}

/** What became of a part: `gone` where the store has none any more. */
export type Copied = 'written' | 'same' | 'gone';

/** Brings parts of payloads to where a store moves to; each is opened on the way, by what the record says that names it. */
export class Parts {
  readonly #ports: PartPorts;
  readonly #gate = gate(PARTS_AT_ONCE);
  readonly #unchecked = new Set<string>();
  #isUncheckedFull = false;

  constructor(ports: PartPorts) {
    this.#ports = ports;
  }

  /** Whether a part of an object may have been copied before anything was known that opens it. */
  isUnchecked(token: string): boolean {
    return this.#isUncheckedFull || this.#unchecked.has(token);
  }

  #note(name: string): void {
    const token = tokenOf(name);
    if (token === undefined || this.#unchecked.has(token)) return;
    if (this.#unchecked.size < MAX_UNCHECKED) this.#unchecked.add(token);
    else this.#isUncheckedFull = true;
  }

  /**
   * Where a part is to be copied that no record names that was read so far, the others are read, too.
   *
   * @param history names of what was not read so far
   */
  async gather(
    token: string,
    payloads: Payloads,
    due: readonly ListEntry[],
    history: readonly ListEntry[],
  ): Promise<void> {
    const { area, signal } = this.#ports;
    for (const { key } of history) {
      if (due.every((part) => payloads.of(part.key) !== undefined)) return;
      const found = await area.read(key, { signal });
      if (found !== undefined) payloads.add(await area.copying.payloadOf(token, found.body, signal));
    }
  }

  /**
   * @param payload `undefined` where nothing is known that opens it
   * @param isThere whether something of its size lies there, which stays where it is right
   * @throws SecureStoreError `INTEGRITY` where it is damaged in the store, and what lies there, if anything does, is not right either; `TOO_LARGE`
   */
  copy(name: string, payload: SealedPayload | undefined, isThere: boolean): Promise<Copied> {
    return this.#gate(() => this.#copy(name, payload, isThere));
  }

  async #copy(name: string, payload: SealedPayload | undefined, isThere: boolean): Promise<Copied> {
    const { area, target, signal, checkSize } = this.#ports;
    signal?.throwIfAborted();
    const body = (await area.read(name, { etag: false, signal }))?.body;
    if (body === undefined) return 'gone';
    checkSize(body.length);
    const there = isThere ? (await target.read(name, { etag: false, signal }))?.body : undefined;
    if (there !== undefined && asBuffer(there).equals(body)) {
      await payload?.check(name, body);
      return 'same';
    }
    try {
      if (payload === undefined) this.#note(name);
      else await payload.check(name, body);
    } catch (error) {
      if (there !== undefined && (await isSound(payload, name, there))) return 'same';
      await this.#bringDamaged(name, body);
      throw error;
    }
    await target.write(name, body, { signal });
    this.#ports.onCopied(body.length);
    return 'written';
  }

  /** What of it is sound can be read there as well; but it takes the place of nothing, which may be better. */
  async #bringDamaged(name: string, body: Uint8Array): Promise<void> {
    const { target, signal } = this.#ports;
    try {
      await target.write(name, body, { ifAbsent: true, signal });
      this.#ports.onCopied(body.length);
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
    }
  }
}

async function isSound(payload: SealedPayload | undefined, name: string, body: Uint8Array): Promise<boolean> {
  try {
    await payload?.check(name, body);
    return true;
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
    return false;
  }
}

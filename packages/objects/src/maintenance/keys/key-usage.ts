import type { ListEntry } from '@securestore/backend-api';
import { AREAS, asBuffer, MAX_RECORD_PREFIX, recordKeyId, SecureStoreError } from '@securestore/core-format';
import type { Engine } from '../../engine/engine.ts';
import { mapConcurrently } from '../../util/map-concurrently.ts';
import type { FailedObject } from '../../engine/scan-sealed-objects.ts';
import { OWN_AREAS, ownObjects } from '../../engine/scan-sealed-objects.ts';
import { entriesUnder } from '../../util/listing.ts';

/** Objects up to this size are read whole, which costs no more. */
const READ_WHOLE: number = 16 * 1024;
const READS = 16;
/** How many are named at most. */
const MAX_LISTED = 1000;

/** How many objects lie under each key version. */
export interface KeyUsage {
  /** By the id of the key version. */
  readonly counts: ReadonlyMap<string, number>;
  /** Records that name no key version in a way that can be read. They may lie under any of them. */
  readonly unreadable: readonly string[];
  /** Names of the store's own areas at which nothing lies that a holder of the keys has written: nothing needs a key for them. */
  readonly strays: readonly FailedObject[];
}

export interface KeyUsageOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of objects counted since the last call. */
  readonly onCounted?: ((count: number) => void) | undefined;
  /** Whether only what the store keeps for itself is counted, and no records. */
  readonly ownOnly?: boolean | undefined;
}

/** The areas whose records have a wrapped key. */
export const RECORD_AREAS: readonly string[] = [AREAS.objects, AREAS.history];

async function keyIdAt(
  engine: Engine,
  { key, size }: ListEntry,
  signal: AbortSignal | undefined,
): Promise<{ name: string; id?: string } | undefined> {
  const range = size <= READ_WHOLE ? {} : { start: 0, end: MAX_RECORD_PREFIX };
  const found = await engine.backend.read(key, { ...range, signal });
  if (found === undefined) return undefined;
  try {
    return { name: key, id: asBuffer(recordKeyId(found.body)).toString('hex') };
  } catch (error) {
    if (SecureStoreError.is(error)) return { name: key };
    throw error;
  }
}

/**
 * Counts what lies under each key version: records by what they say of themselves, what the store keeps for itself by
 * what it opens under. Memory is bounded.
 */
export async function countKeyUsage(
  engine: Engine,
  { signal, onCounted, ownOnly }: KeyUsageOptions,
): Promise<KeyUsage> {
  const counts = new Map<string, number>();
  const count = (id: string): void => void counts.set(id, (counts.get(id) ?? 0) + 1);
  const unreadable: string[] = [];
  const strays: FailedObject[] = [];
  for (const area of ownOnly === true ? [] : RECORD_AREAS) {
    const entries = entriesUnder(engine.backend, area, { signal });
    for await (const found of mapConcurrently(entries, READS, (entry) => keyIdAt(engine, entry, signal))) {
      onCounted?.(1);
      if (found?.id !== undefined) count(found.id);
      else if (found !== undefined && unreadable.length < MAX_LISTED) unreadable.push(found.name);
    }
  }
  for (const area of OWN_AREAS) {
    for await (const { name, keyId, code = 'INTEGRITY' } of ownObjects(engine, area, { signal })) {
      onCounted?.(1);
      if (keyId !== undefined) count(keyId);
      else if (strays.length < MAX_LISTED) strays.push({ name, code });
    }
  }
  return { counts, unreadable, strays };
}

import type { ListEntry } from '@securestore/backend-api';
import {
  AREAS,
  asBuffer,
  MAX_RECORD_PREFIX,
  SecureStoreError,
  recordKeyId,
  systemBodyKeyId,
} from '@securestore/core-format';
import type { Engine } from '../engine.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { entriesUnder } from '../pages.ts';

/** Objects up to this size are read whole, which costs no more. */
const READ_WHOLE: number = 16 * 1024;
const READS = 16;

/** How many objects lie under each key version. */
export interface Census {
  /** By the id of the key version. */
  readonly counts: ReadonlyMap<string, number>;
  /** Objects that name no key version in a way that can be read. */
  readonly unreadable: readonly string[];
}

const RECORD_AREAS = [AREAS.objects, AREAS.history] as const;
const JOURNAL_AREAS = [AREAS.journal, AREAS.work, AREAS.markers, AREAS.checkpoints] as const;

async function keyIdAt(
  engine: Engine,
  { key, size }: ListEntry,
  parse: (bytes: Uint8Array) => Uint8Array,
  signal: AbortSignal | undefined,
): Promise<{ name: string; id?: string } | undefined> {
  const range = size <= READ_WHOLE ? {} : { start: 0, end: MAX_RECORD_PREFIX };
  const found = await engine.backend.read(key, { ...range, signal });
  if (found === undefined) return undefined;
  try {
    return { name: key, id: asBuffer(parse(found.body)).toString('hex') };
  } catch (error) {
    if (SecureStoreError.is(error)) return { name: key };
    throw error;
  }
}

/**
 * Counts what lies under each key version, by what the objects say of themselves; nothing is opened. Memory is bounded.
 *
 * @param onCounted called with the number of objects counted since the last call
 */
export async function takeCensus(
  engine: Engine,
  { signal, onCounted }: { readonly signal?: AbortSignal | undefined; readonly onCounted?: (count: number) => void },
): Promise<Census> {
  const counts = new Map<string, number>();
  const unreadable: string[] = [];
  const count = async (area: string, parse: (bytes: Uint8Array) => Uint8Array): Promise<void> => {
    const entries = entriesUnder(engine.backend, area, { signal });
    for await (const found of mapConcurrently(entries, READS, (entry) => keyIdAt(engine, entry, parse, signal))) {
      onCounted?.(1);
      if (found === undefined) continue;
      if (found.id !== undefined) counts.set(found.id, (counts.get(found.id) ?? 0) + 1);
      else if (unreadable.length < MAX_LISTED) unreadable.push(found.name);
    }
  };
  for (const area of RECORD_AREAS) await count(area, recordKeyId);
  for (const area of JOURNAL_AREAS) await count(area, systemBodyKeyId);
  return { counts, unreadable };
}

/** How many damaged objects are named at most. */
const MAX_LISTED = 1000;

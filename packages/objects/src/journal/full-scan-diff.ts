import type { ListEntry } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import { mapConcurrently } from '../util/map-concurrently.ts';
import type { JournalFinding } from './alarms.ts';
import { damaged } from './alarms.ts';
import type { Change, Looked } from './resolve-hints.ts';
import { lookAt } from './resolve-hints.ts';
import { entriesUnder } from '../util/listing.ts';

const CONCURRENT_READS = 8;

/** What whoever reads the journal knows of an object. */
export interface KnownObject {
  readonly token: string;
  readonly commitId: Uint8Array;
  readonly version: number;
  /** Whether it is a deletion, whose tombstone may have been removed. */
  readonly deleted: boolean;
}

/** One object about which the backend and what is known differ. */
export interface Difference {
  readonly token: string;
  readonly known: KnownObject | undefined;
  /** What is there; `undefined` if there is nothing, or nothing that can be opened. */
  readonly change: Change | undefined;
  readonly alarm: JournalFinding | undefined;
}

interface Found {
  readonly token: string;
  readonly name: string;
  readonly body: Uint8Array;
  readonly looked: Looked;
}

async function* currentRecords(engine: Engine, signal: AbortSignal | undefined): AsyncGenerator<Found> {
  const read = async ({ key: name }: ListEntry): Promise<Found | undefined> => {
    const found = await engine.backend.read(name, { signal });
    if (found === undefined) return undefined;
    const token = name.slice(AREAS.objects.length);
    return { token, name, body: found.body, looked: await lookAt(engine, token, found.body, signal) };
  };
  const entries = entriesUnder(engine.backend, AREAS.objects, { signal });
  for await (const found of mapConcurrently(entries, CONCURRENT_READS, read)) if (found !== undefined) yield found;
}

function compare(found: Found, known: KnownObject | undefined): Difference | undefined {
  const { token, name, looked } = found;
  if (looked === 'destroyed') return undefined;
  if (looked === 'damaged') return { token, known, change: undefined, alarm: damaged('damaged-record', name) };
  const { header } = looked;
  // A commit that was refused first says of that attempt a smaller number, and may say something else.
  const isKnown = known?.version === header.version && Buffer.compare(header.commitId, known.commitId) === 0;
  if (isKnown) return undefined;
  const older = known !== undefined && header.version <= known.version;
  const alarm: JournalFinding | undefined = older
    ? { type: 'rolled-back', name, message: `${name} holds a version before one that was seen` }
    : undefined;
  return { token, known, change: { token, header, record: found.body, name }, alarm };
}

/**
 * Reads every current record and says where it differs from what is known.
 *
 * @param known in the order of tokens
 */
export async function* differences(
  engine: Engine,
  known: AsyncIterable<KnownObject>,
  signal?: AbortSignal,
): AsyncGenerator<Difference> {
  const seen = known[Symbol.asyncIterator]();
  let next = await seen.next();
  const gone = (object: KnownObject): Difference => ({
    token: object.token,
    known: object,
    change: undefined,
    alarm: undefined,
  });
  try {
    for await (const found of currentRecords(engine, signal)) {
      for (; next.done !== true && next.value.token < found.token; next = await seen.next()) {
        if (!next.value.deleted) yield gone(next.value);
      }
      const same = next.done !== true && next.value.token === found.token ? next.value : undefined;
      const difference = compare(found, same);
      if (difference !== undefined) yield difference;
      if (same !== undefined) next = await seen.next();
    }
    for (; next.done !== true; next = await seen.next()) if (!next.value.deleted) yield gone(next.value);
  } finally {
    await seen.return?.();
  }
}

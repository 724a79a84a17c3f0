import type { ListEntry } from '@securestore/backend-api';
import { blobPrefix, decodeBase32, SecureStoreError } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import { entriesUnder } from '../util/listing.ts';
import type { Mark } from './blob-markers.ts';
import { markDeleting, release, removeMark, stands } from './blob-markers.ts';
import { unnamed } from './blob-liveness.ts';

/** How many names go into one request at most. */
const MAX_DELETED_TOGETHER = 500;

/** What was freed. */
export interface Freed {
  blobs: number;
  parts: number;
  bytes: number;
}

/** Deletes what a listing gives, many at once if the backend can. */
export async function deleteEntries(
  { backend }: Engine,
  entries: AsyncIterable<ListEntry> | Iterable<ListEntry>,
  onDeleted: (count: number, bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { deleteMany, maxDeleteMany } = backend.capabilities;
  const most = deleteMany && backend.deleteMany !== undefined ? Math.min(maxDeleteMany, MAX_DELETED_TOGETHER) : 1;
  let group: ListEntry[] = [];
  const flush = async (): Promise<void> => {
    const [first] = group;
    if (first === undefined) return;
    if (group.length === 1) await backend.delete(first.key, { signal });
    else
      await backend.deleteMany?.(
        group.map(({ key }) => key),
        { signal },
      );
    onDeleted(
      group.length,
      group.reduce((sum, { size }) => sum + size, 0),
    );
    group = [];
  };
  for await (const entry of entries) {
    group.push(entry);
    if (group.length >= most) await flush();
  }
  await flush();
}

async function deleteParts(
  engine: Engine,
  token: string,
  blob: string,
  freed: Freed,
  signal: AbortSignal | undefined,
): Promise<void> {
  const before = freed.parts;
  const note = (count: number, bytes: number): void => {
    freed.parts += count;
    freed.bytes += bytes;
  };
  await deleteEntries(engine, entriesUnder(engine.backend, blobPrefix(token, blob), { signal }), note, signal);
  if (freed.parts > before) freed.blobs += 1;
}

function idOf(blob: string): Buffer {
  const id = decodeBase32(blob);
  if (id === undefined) throw new SecureStoreError('INTERNAL', 'the payload has no valid id');
  return id;
}

/**
 * Deletes the parts of those of `blobs` that nobody needs, in an order that leaves no way to a record whose parts are
 * gone: the marker first; then, once more, a look at all records of the object; a look whether the marker still stands;
 * then the parts; then the marker.
 *
 * Blobs with a claim that has not lapsed are left alone, and so are those of which a record is found.
 *
 * @param now as for {@link markDeleting}
 * @throws SecureStoreError `INTEGRITY` if a record of the object can't be opened, and what the backend throws
 */
export async function reclaim(
  engine: Engine,
  token: string,
  blobs: Iterable<string>,
  { now, freed, signal }: { readonly now: number; readonly freed: Freed; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const marks = new Map<string, Mark>();
  for (const blob of blobs) {
    const mark = await markDeleting(engine, token, idOf(blob), now, signal);
    if (mark !== undefined) marks.set(blob, mark);
  }
  if (marks.size === 0) return;
  const garbage = await unnamed(engine, token, marks.keys(), signal);
  for (const [blob, mark] of marks) {
    if (!garbage.has(blob)) {
      await release(engine, mark, signal);
      continue;
    }
    // Nobody could claim the blob while this process looked for records of it, unless the marker was in other hands.
    if (!(await stands(engine, mark, signal))) continue;
    await deleteParts(engine, token, blob, freed, signal);
    await removeMark(engine, mark);
  }
}

import type { Clock } from '@securestore/jobs';
import { entriesUnder } from '../../src/internal.ts';
import type { Place } from './places.ts';
import { memoryPlace } from './places.ts';
import { usePlace } from './stores.ts';

/** The files of a place in memory. */
export interface KeptPlace {
  readonly url: string;
  /** With the moment when each was stored, the oldest first. */
  readonly files: readonly (readonly [name: string, body: Uint8Array, modified: number])[];
}

/**
 * The files of a place, for copies of it. A test that disturbs an operation at each of its calls needs a store for each, and
 * making one takes longer than most operations.
 */
export async function keptAt(place: Place): Promise<KeptPlace> {
  const backend = await place.open();
  const files: [string, Uint8Array, number][] = [];
  for await (const { key } of entriesUnder(backend, '')) {
    const found = await backend.read(key);
    if (found !== undefined) files.push([key, found.body, found.modified]);
  }
  await backend.close();
  return { url: place.url, files: files.toSorted((one, other) => one[2] - other[2]) };
}

/** A place with files of its own. Its URL is that of the first, since stores remember where their backups are. */
export async function copyOf({ url, files }: KeptPlace, clock: Pick<Clock, 'now'>): Promise<Place> {
  let then: number | undefined;
  const place = usePlace(() => memoryPlace(() => then ?? clock.now()));
  const backend = await place.open();
  for (const [name, body, modified] of files) {
    then = modified;
    await backend.write(name, body);
  }
  then = undefined;
  await backend.close();
  return { ...place, url };
}

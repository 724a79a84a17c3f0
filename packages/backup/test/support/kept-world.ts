import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import type { Place } from '../../../objects/test/support/places.ts';
import { memoryPlace } from '../../../objects/test/support/places.ts';
import { usePlace } from '../../../objects/test/support/stores.ts';
import type { World } from './worlds.ts';
import { reached } from './worlds.ts';

/** What lies at a place in memory. */
interface KeptPlace {
  readonly url: string;
  /** With the moment when each was stored, the oldest first. */
  readonly files: readonly (readonly [name: string, body: Uint8Array, modified: number])[];
}

/** A world whose store no process has open. */
export type ClosedWorld = Omit<World, 'store'>;

/**
 * Makes a world once, and copies of it from then on: what goes wrong at each call of an operation goes wrong in a world of
 * its own, and making one takes longer than most operations.
 *
 * @param make makes a world in memory, closes its store, and says more about it
 */
export function worldMadeOnce<More extends object>(
  make: () => Promise<ClosedWorld & More>,
): () => Promise<ClosedWorld & More> {
  const keep = async () => {
    const made = await make();
    return { made, now: made.clock.now(), places: [await kept(made.source), await kept(made.destination)] as const };
  };
  let keeping: ReturnType<typeof keep> | undefined;
  return async () => {
    const { made, now, places } = await (keeping ??= keep());
    const clock = new EagerClock(now);
    const [source, destination] = [await copied(places[0], clock), await copied(places[1], clock)];
    return { ...made, clock, source, destination };
  };
}

async function kept(place: Place): Promise<KeptPlace> {
  const backend = await reached(place);
  const files: [string, Uint8Array, number][] = [];
  for (let after: string | undefined; ;) {
    const page = await backend.list('', after === undefined ? {} : { after });
    for (const { key } of page.entries) {
      const found = await backend.read(key);
      if (found !== undefined) files.push([key, found.body, found.modified]);
    }
    after = page.entries.at(-1)?.key;
    if (!page.more) break;
  }
  return { url: place.url, files: files.toSorted((one, other) => one[2] - other[2]) };
}

/** Has the same URL, since stores remember those of their backups, and files of its own. */
async function copied({ url, files }: KeptPlace, clock: EagerClock): Promise<Place> {
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

import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { BackupArea, CopiedHead } from '@securestore/objects/internal';
import { inTime } from '@securestore/objects/internal';
import type { FoundDestination } from '../repository/destination.ts';
import { accessAt, headOf, publishHead, prepareDestination, requireDestination } from '../repository/destination.ts';
import type { Fence, RegisteredDestination } from './registry.ts';
import { changeRegistry, isFenced, registryOf } from './registry.ts';
import { publishKeyChange } from './key-change-points.ts';
import type { Destinations } from './destinations.ts';
import { rekeyDestination } from '../repository/rekey.ts';

/** How long each destination is waited for when access was taken away, in milliseconds. */
const REACHED_WITHIN = 10_000;

/** Keeps the destinations of a store up to its keys, and to who may open it. */
export class DestinationKeeper {
  readonly #area: BackupArea;
  readonly #destinations: Pick<Destinations, 'at'>;

  constructor(area: BackupArea, destinations: Pick<Destinations, 'at'>) {
    this.#area = area;
    this.#destinations = destinations;
  }

  /** Looks at all destinations. @returns what `visit` gave, and the locations at which it failed */
  async #visitAll<T>(
    signal: AbortSignal | undefined,
    visit: (found: FoundDestination) => Promise<T>,
  ): Promise<{ readonly results: T[]; readonly pending: string[] }> {
    const results: T[] = [];
    const pending: string[] = [];
    for (const { location } of registryOf(this.#area).destinations) {
      try {
        await this.#destinations.at(location, signal, async (connected) => {
          results.push(await visit(await requireDestination(connected.backend, connected.location, signal)));
        });
      } catch (error) {
        if (!SecureStoreError.is(error) || error.code === 'ABORTED') throw error;
        pending.push(location);
      }
    }
    return { results, pending };
  }

  /** A store that was restored has the destinations of the one before; whose they are a backup decides, and not that keys are renewed. */
  #checkOwn(found: FoundDestination): void {
    if (asBuffer(headOf(found).instance).equals(this.#area.head.instance)) return;
    throw new SecureStoreError(
      'CONFLICT',
      `${found.location}: the store that this one was restored from is backed up here`,
    );
  }

  /** Publishes a point that shows that keys were replaced. @returns the id of the destination, and its fence */
  async #noteAt(found: FoundDestination, signal: AbortSignal | undefined): Promise<[id: string, fence: Fence]> {
    const newest = await publishKeyChange(this.#area, found, signal);
    return [asBuffer(found.id).toString('hex'), { keyId: this.#area.seals.primaryId, ...newest }];
  }

  /** Brings the keys of now to all destinations, and goes on with each. */
  async #renewEach<T>(
    signal: AbortSignal | undefined,
    goOn: (found: FoundDestination) => Promise<T>,
  ): Promise<{ readonly results: T[]; readonly pending: string[] }> {
    const copied = await this.#area.copyHead(signal);
    const fences = new Map<string, Fence>();
    const done = await this.#visitAll(signal, async (found) => {
      this.#checkOwn(found);
      await prepareDestination(this.#area, found, copied, signal);
      fences.set(...(await this.#noteAt(found, signal)));
      return goOn(found);
    });
    return { ...done, pending: [...done.pending, ...(await this.#fence(fences, done.pending, signal))] };
  }

  /**
   * Has the head say from where on the key of now has to be used, and brings it to the destinations for which that is news.
   *
   * @returns where that could not be done
   */
  async #fence(
    fences: ReadonlyMap<string, Fence>,
    skipped: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly string[]> {
    const isNews = ({ id, fence }: RegisteredDestination): boolean => fences.has(id) && !isFenced(this.#area, fence);
    if (this.#area.isMember || !registryOf(this.#area).destinations.some(isNews)) return [];
    await changeRegistry(
      this.#area,
      ({ destinations }) => ({
        destinations: destinations.map((one) => {
          const fence = fences.get(one.id);
          return fence === undefined || !isNews(one) ? one : { ...one, fence };
        }),
      }),
      signal,
    );
    const { pending } = await this.#visitAll(signal, async (found) => {
      this.#checkOwn(found);
      await publishHead(this.#area, found, signal);
    });
    return pending.filter((location) => !skipped.includes(location));
  }

  async rekey(
    signal: AbortSignal | undefined,
  ): Promise<{ counts: ReadonlyMap<string, number>; pending: readonly string[] }> {
    const { results, pending } = await this.#renewEach(signal, (found) => rekeyDestination(this.#area, found, signal));
    const counts = new Map<string, number>();
    for (const result of results) {
      for (const [id, count] of result) counts.set(id, (counts.get(id) ?? 0) + count);
    }
    return { counts, pending };
  }

  /**
   * Brings the head of now to the destinations that have other slots, keys, members or another policy. All at once, and each for ten seconds
   * at most: whoever takes access away waits for that.
   *
   * @returns where that could not be done
   */
  async bringAccess(signal: AbortSignal | undefined): Promise<readonly string[]> {
    const fences = new Map<string, Fence>();
    const bring = async (location: string, copied: CopiedHead, end: AbortSignal | undefined): Promise<void> =>
      this.#destinations.at(location, end, async (connected) => {
        const found = await requireDestination(connected.backend, connected.location, end);
        this.#checkOwn(found);
        const has = accessAt(found, copied);
        if (has.openers && has.policy) return;
        await prepareDestination(this.#area, found, copied, end);
        // A point would have every backup that is under way begin anew, and policies change often.
        if (has.openers) return;
        fences.set(...(await this.#noteAt(found, end)));
      });
    const locations = registryOf(this.#area).destinations.map(({ location }) => location);
    try {
      const copied = await this.#area.copyHead(signal);
      const pending = await Promise.all(
        locations.map((location) => {
          const options = { signal, timeout: REACHED_WITHIN };
          return inTime('backups.keys', options, (end) => bring(location, copied, end)).then(
            () => [],
            () => [location],
          );
        }),
      );
      return [...pending.flat(), ...(await this.#fence(fences, pending.flat(), signal))];
    } catch (error) {
      // The change is made, whatever becomes of this.
      if (!SecureStoreError.is(error)) throw error;
      return locations;
    }
  }

  async replaceKeys(signal: AbortSignal | undefined): Promise<readonly string[]> {
    return (await this.#renewEach(signal, async () => undefined)).pending;
  }
}

import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { BackupArea, CopiedHead } from '@securestore/objects/internal';
import { inTime } from '@securestore/objects/internal';
import type { FoundDestination } from '../repository/destination.ts';
import {
  accessAt,
  headOf,
  notOwnBackups,
  ownerOf,
  prepareDestination,
  requireDestination,
} from '../repository/destination.ts';
import type { Fence, RegisteredDestination } from './registry.ts';
import { changeRegistry, isFenced, registryOf } from './registry.ts';
import { isOwnOrTaken } from './migrated-from.ts';
import { publishKeyChange } from './key-change-points.ts';
import type { Destinations } from './destinations.ts';
import { rekeyDestination } from '../repository/rekey.ts';

/** How long a change that takes access away waits for each destination, in milliseconds. */
const REACHED_WITHIN = 10_000;

/** Brings the current keys, slots and members of a store to its destinations. */
export class DestinationKeeper {
  readonly #area: BackupArea;
  readonly #destinations: Pick<Destinations, 'at'>;

  constructor(area: BackupArea, destinations: Pick<Destinations, 'at'>) {
    this.#area = area;
    this.#destinations = destinations;
  }

  /** Visits all destinations. @returns the results of `visit`, and the store URLs at which it failed */
  async #visitAll<T>(
    signal: AbortSignal | undefined,
    visit: (found: FoundDestination) => Promise<T>,
  ): Promise<{ readonly results: T[]; readonly pending: string[] }> {
    const results: T[] = [];
    const pending: string[] = [];
    for (const { url } of registryOf(this.#area).destinations) {
      try {
        await this.#destinations.at(url, signal, async (connected) => {
          results.push(await visit(await requireDestination(connected.backend, connected.url, signal)));
        });
      } catch (error) {
        if (!SecureStoreError.is(error) || error.code === 'ABORTED') throw error;
        pending.push(url);
      }
    }
    return { results, pending };
  }

  /**
   * A restored store has the destinations of the one before, which may still be there: only a backup with `takeOver` takes one over. A
   * migrated store takes over what its signed head names. What it remembers of its newest snapshots proves nothing: a member could have put
   * it there.
   */
  async #checkOwn(found: FoundDestination, copied: CopiedHead, signal: AbortSignal | undefined): Promise<void> {
    if (await isOwnOrTaken(this.#area, found, copied, signal)) return;
    throw notOwnBackups(found.url, ownerOf(found.url, headOf(found), this.#area.head) === 'source' ? 'source' : 'copy');
  }

  /** The store URLs of all destinations. */
  #urls(): string[] {
    return registryOf(this.#area).destinations.map(({ url }) => url);
  }

  /** Publishes a point that shows that keys were replaced. @returns the id of the destination, and its fence */
  async #noteAt(found: FoundDestination, signal: AbortSignal | undefined): Promise<[id: string, fence: Fence]> {
    const newest = await publishKeyChange(this.#area, found, signal);
    return [asBuffer(found.id).toString('hex'), { keyId: this.#area.seals.primaryId, ...newest }];
  }

  /** Brings the current keys to all destinations, and calls `goOn` with each. */
  async #renewEach<T>(
    signal: AbortSignal | undefined,
    goOn: (found: FoundDestination) => Promise<T>,
  ): Promise<{ readonly results: T[]; readonly pending: string[] }> {
    const copied = await this.#area.copyHead(signal);
    const fences = new Map<string, Fence>();
    const done = await this.#visitAll(signal, async (found) => {
      await this.#checkOwn(found, copied, signal);
      await prepareDestination(this.#area, found, copied, signal);
      fences.set(...(await this.#noteAt(found, signal)));
      return goOn(found);
    });
    return { ...done, pending: [...done.pending, ...(await this.#fence(fences, done.pending, signal))] };
  }

  /**
   * Writes into the head from which point on the current key is required, and brings it to the destinations that lack that.
   *
   * @returns the store URLs that could not be reached
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
      const copied = await this.#area.copyHead(signal);
      await this.#checkOwn(found, copied, signal);
      await prepareDestination(this.#area, found, copied, signal);
    });
    return pending.filter((url) => !skipped.includes(url));
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
   * at most: the caller who takes access away waits for that.
   *
   * @returns the store URLs that could not be reached
   */
  async bringAccess(signal: AbortSignal | undefined): Promise<readonly string[]> {
    const fences = new Map<string, Fence>();
    const bring = async (url: string, copied: CopiedHead, end: AbortSignal | undefined): Promise<void> =>
      this.#destinations.at(url, end, async (connected) => {
        const found = await requireDestination(connected.backend, connected.url, end);
        await this.#checkOwn(found, copied, end);
        const has = accessAt(found, copied);
        if (has.openers && has.policy) return;
        await prepareDestination(this.#area, found, copied, end);
        // A point would restart every running backup, and policies change often.
        if (has.openers) return;
        fences.set(...(await this.#noteAt(found, end)));
      });
    const urls = this.#urls();
    try {
      const copied = await this.#area.copyHead(signal);
      const pending = await Promise.all(
        urls.map((url) => {
          const options = { signal, timeout: REACHED_WITHIN };
          return inTime('backups.keys', options, (end) => bring(url, copied, end)).then(
            () => [],
            () => [url],
          );
        }),
      );
      return [...pending.flat(), ...(await this.#fence(fences, pending.flat(), signal))];
    } catch (error) {
      // The change is made, whether this succeeds or not.
      if (!SecureStoreError.is(error)) throw error;
      return urls;
    }
  }

  async replaceKeys(signal: AbortSignal | undefined): Promise<readonly string[]> {
    try {
      return (await this.#renewEach(signal, async () => undefined)).pending;
    } catch (error) {
      // Without the slot that opened the store, nothing may be changed any more; it is removed all the same.
      if (!SecureStoreError.is(error, 'LOCKED')) throw error;
      return this.#urls();
    }
  }
}

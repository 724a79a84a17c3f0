import type { StorageBackend } from '@securestore/backend-api';
import type { Head } from '@securestore/core-format';
import { ID_LENGTH, SecureStoreError } from '@securestore/core-format';
import { MIGRATION_NAME } from '../head/intent-marker.ts';
import { QUIESCENT_AFTER, QUIESCENT_SOON_AFTER } from '../head/freshness-bounds.ts';
import { commitHead } from '../engine/commit-head.ts';
import { ownerKeys } from '../head/unlock/owner-keys.ts';
import type { StoreState } from '../head/store-state.ts';
import { readHead } from '../head/store-state.ts';
import type { FoundThere, NewPlace } from '../replica/migration/found-there.ts';
import { findAtTarget, withdrawUnopened, rememberAt } from '../replica/migration/found-there.ts';
import type { LandedHead } from '../head/move/staged-head.ts';
import { hasLandedFor, hasLeftFor, isLanded, openLanded } from '../head/move/staged-head.ts';
import { Landing } from '../replica/migration/cutover.ts';
import { openStoreUrl, sealStoreUrl } from '../head/move/sealed-location.ts';
import type { Occupied } from '../replica/migration/target-reservation.ts';
import {
  checkFree,
  isTaken,
  nested,
  occupy,
  occupyAnew,
  refuseBackups,
} from '../replica/migration/target-reservation.ts';
import type { LandingPlaces } from '../replica/migration/prepare-cutover.ts';
import { abortCutover } from '../engine/abort-cutover.ts';
import { whileRotating } from '../engine/rotation-state.ts';
import { notOpen } from '../head/not-open.ts';
import { unregisterConsumers } from '../journal/open-consumer.ts';
import { isQuiescent } from '../journal/announce.ts';
import { CopyingArea } from './copying-extension.ts';
import { StoreArea } from './extension.ts';

/** The id of the job that moves a store, of which it has one at a time. */
export const MIGRATION_JOB = 'migration';

/** Whether what another process relies on is still so. */
type Step = 'done' | 'overtaken';

function alreadyMoving(source: string, target: string, isReencrypted: boolean): SecureStoreError {
  const how = isReencrypted ? ', and re-encrypted there' : '';
  return new SecureStoreError('LOCKED', `the store is already being migrated to ${target}${how}`, {
    reason: 'migrating',
    advice: [
      { id: 'resume-migration', source, target },
      { id: 'cancel-migration', source },
    ],
  });
}

function cancelledElsewhere(): SecureStoreError {
  return new SecureStoreError('ABORTED', 'the migration was cancelled by another process');
}

/** What moving a store takes of it, if it was opened for that (`ignoreRedirect`). How its objects get there the engine does not know: `@securestore/migrate` does. */
export class MigrationArea extends StoreArea {
  /** What its objects are, and whether they are there. */
  readonly copying: CopyingArea = new CopyingArea(this.engine);

  /** Where the store moves to, or has moved; `undefined` if it does not. @throws SecureStoreError `INTEGRITY` */
  get movesTo(): string | undefined {
    const { migration } = this.state.head;
    return migration && openStoreUrl(this.state, migration);
  }

  /**
   * Has the head say that the store moves: rotations and restores wait until it has. What was begun before is resumed.
   *
   * @param url without credentials
   * @param resealed whether everything is re-encrypted there
   * @returns the instance that the store becomes there; if it is re-encrypted, the id of the migration
   * @throws SecureStoreError `LOCKED` if it is being rotated, restored, or moved elsewhere or otherwise; `ACCESS_DENIED` for a member
   */
  async begin(url: string, resealed: boolean, signal?: AbortSignal): Promise<Uint8Array> {
    this.checkOpen();
    ownerKeys(this.state);
    const { random } = this.engine;
    await this.#change((state) => {
      const { head } = state;
      if (head.migration !== undefined) {
        const named = openStoreUrl(state, head.migration);
        if (named !== url || head.migration.resealed !== resealed) {
          throw alreadyMoving(this.parts.url, named, head.migration.resealed);
        }
        return head.migration.stage === 'copying' ? undefined : { migration: { ...head.migration, stage: 'copying' } };
      }
      if (head.rotation !== undefined) {
        throw whileRotating('migrate the store');
      }
      if (head.state !== 'open') throw notOpen(state);
      const sealed = sealStoreUrl(state, url, random);
      return { migration: { instance: random(ID_LENGTH), stage: 'copying', resealed, location: sealed } };
    }, signal);
    const { migration } = this.state.head;
    if (migration === undefined) throw new SecureStoreError('CONFLICT', 'the migration was cancelled meanwhile');
    return migration.instance;
  }

  /**
   * Makes sure that a store could move to a place, before anything is changed on either side.
   *
   * @param anew whether it is to be re-encrypted there
   * @throws SecureStoreError `INVALID_ARGUMENT` if one of both is in the folder of the other; `ALREADY_EXISTS`; what the backend throws
   */
  async checkFree(target: StorageBackend, anew: boolean, signal?: AbortSignal): Promise<void> {
    const nesting = await this.nestingOf(target);
    if (nesting !== undefined) throw nested(nesting);
    await refuseBackups(target, signal);
    if (this.head.migration === undefined) await checkFree(target, this.state, anew, signal);
  }

  /** Takes the target, to which the store moves. @throws SecureStoreError `ALREADY_EXISTS`; what the backend throws */
  async occupy(target: StorageBackend, instance: Uint8Array, signal?: AbortSignal): Promise<Occupied> {
    return occupy(target, this.state, instance, this.engine.random, signal);
  }

  /** Takes the target into which the store is to be re-encrypted. @returns whether it was taken before @throws SecureStoreError `ALREADY_EXISTS`; what the backend throws */
  async occupyAnew(target: StorageBackend, id: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    return occupyAnew(target, this.state, id, this.engine.random, signal);
  }

  /** Whether a place is taken by this migration, and not open yet. */
  async isTakenAnew(target: StorageBackend, id: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    return isTaken(target, this.state, id, signal);
  }

  /** Opens a store that was made to take in another one, with the access policy of that. */
  async openAnew(from: MigrationArea, signal?: AbortSignal): Promise<void> {
    const { policy, head } = from.state;
    await commitHead(
      this.engine,
      { signal, checkMayChange: () => this.engine.monitor.checkFollowing() },
      async (state) => ({
        head: { state: 'open', versionFloor: Math.max(state.head.versionFloor, head.versionFloor) },
        ...(policy !== undefined && { policy }),
      }),
    );
  }

  /** Ends what was opened under labels that begin so: the journal is not kept for it any more. @returns how many there were */
  async unregister(prefix: string, signal?: AbortSignal): Promise<number> {
    ownerKeys(this.state);
    return unregisterConsumers(this.engine, prefix, signal);
  }

  /** Whether all processes announce everything for so long already that nothing is under way which was not. */
  isJournalQuiescent(signal?: AbortSignal): Promise<boolean> {
    return isQuiescent(this.engine, signal);
  }

  /** How long {@link settle} waits, in milliseconds. */
  get settledAfter(): number {
    return QUIESCENT_AFTER;
  }

  /** Waits until no process acts on an earlier head any more. */
  settle(signal?: AbortSignal): Promise<void> {
    return this.engine.monitor.quiesce(signal);
  }

  /** Has all processes look at the head so often that closing takes less than a second; waits until all do. */
  async announce(signal?: AbortSignal): Promise<void> {
    await this.#change(({ head: { migration } }) => {
      if (migration === undefined) throw cancelledElsewhere();
      return migration.stage === 'announced' ? undefined : { migration: { ...migration, stage: 'announced' } };
    }, signal);
    await this.settle(signal);
  }

  /**
   * Closes the store: once {@link settleSoon} has waited, no process reads or writes until it is open somewhere. To be called after
   * {@link announce}, and to be ended by {@link leave} or {@link reopen}; if this process dies, others open the store again 10 s later.
   *
   * @returns the head that closed it; `undefined` if the announcement does not hold any more
   */
  async close(signal?: AbortSignal): Promise<Head | undefined> {
    let closed = false;
    await this.#change(
      ({ head: { state, migration } }) => {
        closed = state === 'open' && migration?.stage === 'announced';
        return closed ? { state: 'closing' } : undefined;
      },
      signal,
      true,
    );
    return closed ? this.head : undefined;
  }

  /** How long {@link settleSoon} waits, in milliseconds. */
  get settledSoonAfter(): number {
    return QUIESCENT_SOON_AFTER;
  }

  /** Waits until no process reads or writes any more, once the store is closed. */
  settleSoon(signal?: AbortSignal): Promise<void> {
    return this.engine.monitor.quiesceSoon(signal);
  }

  /** Makes ready what the head will be where the store moves to. */
  landing(places: LandingPlaces, { head }: Occupied, consumer: string): Landing {
    const { migration } = this.state.head;
    if (migration === undefined) throw cancelledElsewhere();
    const { instance } = migration;
    const { rememberedEnds: remembered } = this.parts;
    return new Landing(this.engine, { ...places, instance, replaces: head, consumer, remembered });
  }

  /** Has the head say that the store has moved: from then on it has. @param closed the head that closed it */
  async leave(closed: Head, signal?: AbortSignal): Promise<Step> {
    let left = false;
    await this.#change(
      ({ head }) => {
        left = head.state === 'closing' && head.generation === closed.generation;
        return left ? { state: 'moved' } : undefined;
      },
      signal,
      true,
    );
    return left ? 'done' : 'overtaken';
  }

  /** Opens the store again where it is. */
  reopen(signal?: AbortSignal): Promise<void> {
    return abortCutover(this.engine, signal);
  }

  /** Whether what a store URL holds is what the store has landed as, from the head that has closed it. */
  async hasLanded(target: StorageBackend, signal?: AbortSignal): Promise<boolean> {
    const { head } = this;
    const found = await readHead(target, signal);
    return found !== undefined && hasLandedFor(head, found.head);
  }

  /**
   * Whether the store has only landed where it was opened, and is where it comes from. If that place has left it, it is opened.
   *
   * @param other where it comes from, or any other place
   */
  async isElsewhere(other: StorageBackend, signal?: AbortSignal): Promise<boolean> {
    const { backend, monitor } = this.engine;
    if (!isLanded(this.head)) return false;
    const left = await readHead(other, signal);
    if (left === undefined || !hasLeftFor(left.head, this.head)) return true;
    await openLanded(backend, { ...this.state, head: left.head }, this.engine.clock, signal);
    await monitor.refresh(signal);
    return isLanded(this.head);
  }

  /**
   * Opens the store where it has landed. To be called after {@link leave}, by the process that resumes the move.
   *
   * @param landed its head there, if that was just written
   */
  arrive(target: StorageBackend, signal?: AbortSignal, landed?: LandedHead): Promise<void> {
    return openLanded(target, this.state, this.engine.clock, signal, landed);
  }

  /**
   * Remembers the store where it has moved, by the anchor of that place. To be called after {@link arrive}.
   *
   * @param anew the head of the store that it was re-encrypted as, if it was
   */
  rememberAt(place: NewPlace, anew: Head | undefined, signal?: AbortSignal): Promise<void> {
    return rememberAt(place, this.head, anew, this.parts.logger, signal);
  }

  /** Removes what says that a place is taken. */
  async withdrawMarker(target: StorageBackend, signal?: AbortSignal): Promise<void> {
    await target.delete(MIGRATION_NAME, { signal });
  }

  /**
   * Has the head say no more that the store moves.
   *
   * @throws SecureStoreError `NOT_FOUND` if it does not, `CONFLICT` if it has moved, `LOCKED` if it has only landed
   */
  async cancel(signal?: AbortSignal): Promise<void> {
    await this.#change((state) => {
      const { head } = state;
      if (head.migration === undefined) throw new SecureStoreError('NOT_FOUND', 'the store is not being migrated');
      if (head.state === 'moved')
        throw new SecureStoreError('CONFLICT', 'the store has already moved', {
          advice: [{ id: 'open-at', url: openStoreUrl(state, head.migration) }, { id: 'reopen-source' }],
        });
      if (isLanded(head)) throw notOpen(state);
      return { state: 'open', migration: undefined };
    }, signal);
  }

  /** As {@link findAtTarget}. */
  foundAt(target: StorageBackend, signal?: AbortSignal): Promise<FoundThere> {
    return findAtTarget(target, this.state, signal);
  }

  /** As {@link withdrawUnopened}. To be followed by {@link reclaim}. */
  withdrawUnopened(target: StorageBackend, signal?: AbortSignal): Promise<boolean> {
    return withdrawUnopened(target, this.state, signal);
  }

  /** Opens the store again where it was, as it was when it moved away. @throws SecureStoreError `NOT_FOUND` if it has not */
  async reclaim(signal?: AbortSignal): Promise<void> {
    await this.#change(({ head }) => {
      if (head.state !== 'moved') throw new SecureStoreError('NOT_FOUND', 'the store has not moved from here');
      return { state: 'open', migration: undefined };
    }, signal);
  }

  async #change(
    plan: (state: StoreState) => Partial<Pick<Head, 'state' | 'migration'>> | undefined,
    signal: AbortSignal | undefined,
    isKnown = false,
  ): Promise<void> {
    const { monitor } = this.engine;
    const next = async (state: StoreState) => {
      const head = plan(state);
      return head && { head };
    };
    await commitHead(this.engine, { signal, checkMayChange: () => monitor.checkFollowing(), isKnown }, next);
  }
}

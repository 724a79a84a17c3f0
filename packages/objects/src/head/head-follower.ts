import type { StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Head } from '@securestore/core-format';
import type { UnlockedSlot, UnlockMethod } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import { anotherInstance, checkFollows, isInstance, isSameStore } from './ancestry.ts';
import { BOUNDS } from './freshness-bounds.ts';
import { closedBy } from './move/cutover-wait.ts';
import { followGrant } from './unlock/grants.ts';
import type { Arrived, FollowPorts, MigrationTargets } from './move/follow-redirect.ts';
import { followMove } from './move/follow-redirect.ts';
import { findReturn } from './move/returned-store.ts';
import { ActiveSlot } from './unlock/active-slot.ts';
import { isMember } from './unlock/owner-keys.ts';
import { readInTime } from './read-head-timed.ts';
import { SecretAgain } from './unlock/read-secret-again.ts';
import type { ReadHead, StoreState, Unlocked } from './store-state.ts';
import { loadState, samePin } from './store-state.ts';
import type { Logger } from '../api/types.ts';
import { unlockAgain } from './unlock/unlock-head.ts';

/** How a process follows a store to where it moves. */
export interface Following {
  readonly moves: MigrationTargets;
  /** As {@link FollowPorts.onFound}. */
  readonly onFound: FollowPorts['onFound'];
  /** Called before anything is done there. @returns the etag of the head as the parts of the engine see it */
  readonly onMove: (arrived: Arrived) => Promise<string>;
}

/** How often a head is read whose objects are missing, and how long to wait in between, in milliseconds. */
export const MAX_TRIES = 5;
export const RETRY_AFTER = 20;

/** What following the store takes. */
export interface FollowerPorts {
  readonly backend: StorageBackend;
  readonly clock: Clock;
  /** Whether this process stays where the store was when that has moved, since it is the one that moves it. */
  readonly stays: () => boolean;
  /** What the store was opened with: it is asked again for the secret when the slot is gone. */
  readonly unlock?: UnlockMethod | undefined;
  readonly logger?: Logger | undefined;
}

/**
 * Follows the store from head to head: each is to come after the one before, and what it names is loaded by what opens the store for
 * this process under it.
 */
export class HeadFollower {
  // These three are read with every call, and changed by this class alone.
  /** The store by the head that was followed last. */
  state: StoreState;
  /** What nothing but opening the store again helps against. */
  lost: SecureStoreError | undefined;
  /** Why the newest keys of the store can't be had, since the slot that opened it is gone; `undefined` if they can. */
  lockedOut: SecureStoreError | undefined;
  readonly #ports: FollowerPorts;
  /** The newest head that was verified, followed or not. */
  #seen: Head;
  /** Counts the changes of the head by this process. */
  #epoch = 0;
  readonly #slot = new ActiveSlot();
  /** A head of another instance than this process knows, which no other place has led here. */
  #strange: string | undefined;
  readonly #again: SecretAgain | undefined;
  #onLost: ((error: SecureStoreError) => void) | undefined;
  #onHead: ((head: Head) => Promise<void>) | undefined;
  #following: Following | undefined;

  /** @param seen the head from which `state` was made */
  constructor(ports: FollowerPorts, state: StoreState, seen: Head) {
    this.#ports = ports;
    this.state = state;
    this.#seen = seen;
    const { clock, logger, unlock } = ports;
    this.#again =
      unlock &&
      new SecretAgain({
        clock,
        logger,
        open: (head, signal) => unlockAgain(head, unlock, this.state.events, signal),
        onOpened: (slot) => this.#slot.replace(slot, this.state.unlocked),
      });
  }

  /** Has the store followed to where it moves. */
  follows(following: Following): void {
    this.#following = following;
  }

  /** Calls `listener` with every head that is followed from now on. */
  onHead(listener: (head: Head) => Promise<void>): void {
    this.#onHead = listener;
  }

  /** Forgets the private keys by which this process opens the store; nothing can be followed any more. */
  wipe(): void {
    this.#again?.close();
    this.state.unlocked.wipe();
    this.#slot.wipe();
  }

  /** Calls `listener` once the store is {@link lost}, or another instance has taken its place. */
  onLost(listener: (error: SecureStoreError) => void): void {
    this.#onLost = listener;
    if (this.lost !== undefined) listener(this.lost);
  }

  #lose(error: SecureStoreError): void {
    if (this.lost !== undefined) return;
    this.lost = error;
    this.#onLost?.(error);
  }

  /**
   * Reads the head, and follows it.
   *
   * @returns the head that counts: another one if the store has moved
   * @throws SecureStoreError `INTEGRITY`, `ROLLBACK`, `LOCKED`, `ACCESS_DENIED`, after which the store is {@link lost}; what the backend
   *   throws
   */
  async followNewest(): Promise<ReadHead> {
    try {
      return await this.#followNewest();
    } catch (error) {
      if (SecureStoreError.is(error, 'INTEGRITY') || SecureStoreError.is(error, 'ROLLBACK')) this.#lose(error);
      throw error;
    }
  }

  async #followNewest(): Promise<ReadHead> {
    let failed: string | undefined;
    for (let tries = 1; ; tries++) {
      const epoch = this.#epoch;
      const head = await readInTime(this.#ports.backend, this.#ports.clock, BOUNDS.freshFor);
      if (head === undefined) throw new SecureStoreError('INTEGRITY', 'the head of the store has vanished');
      // What was read before this process changed the head tells nothing new.
      if (epoch !== this.#epoch && head.head.generation < this.#seen.generation) continue;
      try {
        return await this.#follow(head);
      } catch (error) {
        // What it names is removed when the next head has taken its place: then that one counts.
        const mayPass =
          SecureStoreError.is(error, 'INTEGRITY') ||
          (SecureStoreError.is(error, 'ROLLBACK') && head.head.state === 'moved');
        if (!mayPass || head.etag === failed || tries === MAX_TRIES) throw error;
        if (failed !== undefined) await this.#ports.clock.sleep(RETRY_AFTER * tries);
        failed = head.etag;
      }
    }
  }

  /** @returns the head that counts: another one if the store has moved */
  async #follow(read: ReadHead): Promise<ReadHead> {
    const { head } = read;
    if (isSameStore(head, this.#seen) && !isInstance(head, this.#seen)) return this.#return(read);
    checkFollows(head, this.#seen);
    if (head.state === 'moved' && !this.#ports.stays()) {
      // What was here before must not pass for the store once more, wherever that is now.
      await this.#onHead?.(head);
      return this.#move(head);
    }
    if (head.generation === this.state.head.generation) return read;
    const unlocked = await this.#followKeys(head);
    const state = unlocked && (await loadState(this.#ports.backend, head, unlocked, this.state));
    this.#seen = head;
    if (state === undefined) {
      if (isMember(this.state)) throw this.#revoked();
      this.lockedOut = new SecureStoreError('LOCKED', 'the slot that opened the store has been removed', {
        reason: 'slot-removed',
        advice: [{ id: 'check-unlock-secret' }],
      });
    } else {
      this.#take(state);
    }
    void this.#onHead?.(head);
    return read;
  }

  /** Follows a store that has moved away from here and come back. @throws SecureStoreError `LOCKED` if it was restored here */
  async #return({ head: here, etag }: ReadHead): Promise<ReadHead> {
    const moves = this.#ports.stays() || etag === this.#strange ? undefined : this.#following?.moves;
    const ports = { clock: this.#ports.clock, within: BOUNDS.freshFor };
    const moved = moves && (await findReturn(here, this.#seen, moves, ports));
    if (moved !== undefined) return this.#move(moved);
    // It has landed, and is about to be opened.
    if (moves !== undefined && here.state === 'closing') throw closedBy(here);
    this.#strange = etag;
    const error = anotherInstance();
    // Not lost for good: an attacker who controls the backend may have put it there, and take it away again.
    this.#onLost?.(error);
    throw error;
  }

  async #move(moved: Head): Promise<ReadHead> {
    let arrived: Arrived;
    let etag: string | undefined;
    try {
      arrived = await followMove(moved, this.state, {
        moves: this.#following?.moves,
        clock: this.#ports.clock,
        within: BOUNDS.freshFor,
        unlock: (backend, head) => this.#followKeys(head, backend),
        onFound: async (url, head) => this.#following?.onFound(url, head),
      });
      etag = await this.#following?.onMove(arrived);
    } catch (error) {
      // The program has to open the store there itself.
      if (SecureStoreError.is(error, 'LOCKED')) this.#lose(error);
      throw error;
    }
    const read = { ...arrived.read, etag: etag ?? arrived.read.etag };
    this.#seen = read.head;
    this.#take(arrived.state);
    const { url } = arrived;
    this.#ports.logger?.info({ url }, `the store has moved to ${url}, and this process uses it there`);
    void this.#onHead?.(read.head);
    return read;
  }

  #take(state: StoreState): void {
    const before = this.state.unlocked;
    // What has one id shares its private key.
    if (!before.id.equals(state.unlocked.id)) before.wipe();
    this.state = state;
    this.#slot.followed(state.unlocked);
    this.lockedOut = undefined;
  }

  /** A member has nothing more to do here, whatever is known of the keys of before. */
  #revoked(): SecureStoreError {
    const error = new SecureStoreError('ACCESS_DENIED', 'the membership that opened the store was revoked', {
      advice: [{ id: 'ask-owner' }, { id: 'reopen-store' }],
    });
    this.#lose(error);
    return error;
  }

  /** By what this process opens the store under `head`; `undefined` if it does so no more. */
  async #followKeys(head: Head, backend: StorageBackend = this.#ports.backend): Promise<Unlocked | undefined> {
    const { unlocked, head: before } = this.state;
    if ('root' in unlocked) {
      const slot = await this.#slot.follow(unlocked, before, head);
      if (slot !== undefined || this.#again === undefined) return slot;
      await this.#again.ask(head);
      return this.#slot.follow(unlocked, before, head);
    }
    if (samePin(before.references.grants, head.references.grants)) return unlocked;
    return followGrant(backend, head, unlocked);
  }

  /** As {@link ActiveSlot.prepare}. */
  prepare(slot: UnlockedSlot | undefined): void {
    this.#slot.prepare(slot);
  }

  /** As {@link ActiveSlot.withdraw}. */
  withdraw(slot: UnlockedSlot | undefined): void {
    this.#slot.withdraw(slot, this.state.unlocked);
  }

  /** A change of the head by this process took effect. @param slot if it opens the store by another slot from now on */
  changed(slot: UnlockedSlot | undefined): void {
    this.#epoch += 1;
    this.#slot.replace(slot, this.state.unlocked);
  }

  /** Whether `head` comes after all that was seen. */
  isNews(head: Head): boolean {
    return head.generation > this.#seen.generation;
  }

  /** Follows a head that this process has written itself. @throws SecureStoreError `INTEGRITY`, and what the backend throws */
  async adopt(head: Head, slot: UnlockedSlot | undefined): Promise<void> {
    const unlocked = slot ?? (await this.#followKeys(head));
    const state = unlocked && (await loadState(this.#ports.backend, head, unlocked, this.state));
    this.#seen = head;
    if (state !== undefined) this.#take(state);
  }

  /** Tells the listener of a head that is followed. */
  async tell(head: Head): Promise<void> {
    await this.#onHead?.(head);
  }
}

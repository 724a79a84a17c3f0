import type { StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode, Head } from '@securestore/core-format';
import type { UnlockedSlot } from '@securestore/crypto';
import { abortable } from './abortable.ts';
import type { Bounds } from './bounds.ts';
import { BOUNDS, boundsOf, SETTLED_AFTER, SETTLED_SOON_AFTER } from './bounds.ts';
import { checkFollows } from './ancestry.ts';
import { ClockDifference } from './clock-difference.ts';
import { ClosedStore, moving } from './closed-store.ts';
import type { Clock, Instant } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import { followGrant } from './members/grants.ts';
import { OwnSlot } from './own-slot.ts';
import type { Arrived, FollowPorts, Moves } from './moving/follow.ts';
import { followMove } from './moving/follow.ts';
import { isMember } from './owner.ts';
import { readInTime } from './read-in-time.ts';
import type { ReadHead, StoreState, Unlocked } from './state.ts';
import { loadState, samePin } from './state.ts';

/** How a process follows a store to where it moves. */
export interface Following {
  readonly moves: Moves;
  /** As {@link FollowPorts.onFound}. */
  readonly onFound: FollowPorts['onFound'];
  /** Called before anything goes on there. @returns the etag of the head as the parts of the engine see it */
  readonly onMove: (arrived: Arrived) => Promise<string>;
}

/** How often a head is read whose objects are missing, and how long to wait in between, in milliseconds. */
export const MAX_TRIES = 5;
export const RETRY_AFTER = 20;

const UNREACHABLE: ReadonlySet<ErrorCode> = new Set(['UNAVAILABLE', 'TIMEOUT', 'THROTTLED', 'ABORTED']);

function unreachable(cause: SecureStoreError): SecureStoreError {
  return new SecureStoreError('UNAVAILABLE', `the head of the store can't be confirmed: ${cause.message}`, { cause });
}

/**
 * Knows under which head generation the store stands. An operation is acknowledged only if a read of the head that
 * *began* less than five seconds ago showed the generation under which it was prepared; so whoever raises the
 * generation and waits a little longer knows that nobody acts on the old one any more. Only clock rates matter.
 */
export class HeadWatcher {
  readonly #backend: StorageBackend;
  readonly #clock: Clock;
  #state: StoreState;
  #confirmed: Instant;
  readonly #difference = new ClockDifference();
  #reading: Promise<void> | undefined;
  #lost: SecureStoreError | undefined;
  /** Set while the store's keys can't be followed, since the slot that unlocked it is gone. */
  #lockedOut: SecureStoreError | undefined;
  #etag: string;
  /** The newest head that was verified, followed or not. */
  #seen: Head;
  /** Counts the changes of the head by this process. */
  #epoch = 0;
  readonly #slot = new OwnSlot();
  #onHead: ((head: Head) => Promise<void>) | undefined;
  /** Whether this process may write while the store is being restored, since it is the one that does it. */
  restores = false;
  /** Whether this process goes on while the store is closed to move, since it is the one that moves it. */
  migrates = false;
  #bounds: Bounds;
  readonly #closed: ClosedStore;
  #following: Following | undefined;
  #onStalled: (() => Promise<void>) | undefined;

  /** @param begun when the read of the head began from which `state` was made */
  constructor(backend: StorageBackend, clock: Clock, state: StoreState, head: ReadHead, begun: Instant) {
    this.#backend = backend;
    this.#clock = clock;
    this.#state = state;
    this.#confirmed = begun;
    this.#etag = head.etag;
    this.#seen = head.head;
    this.#bounds = boundsOf(head.head);
    this.#difference.note(head.now, begun);
    this.#closed = new ClosedStore({
      clock,
      closedBy: () => (this.#isClosed ? this.#state.head : undefined),
      read: () => this.#read(),
      lost: () => this.#lost,
      onStalled: () => this.#onStalled?.() ?? Promise.resolve(),
    });
  }

  /** Has the store followed to where it moves. */
  follows(following: Following): void {
    this.#following = following;
  }

  /** Has `listener` called where the store is closed to move for so long that whoever moves it must have died. */
  onStalled(listener: () => Promise<void>): void {
    this.#onStalled = listener;
  }

  /** Has `listener` told of every head that is followed from now on; a change by this process waits for it. */
  onHead(listener: (head: Head) => Promise<void>): void {
    this.#onHead = listener;
  }

  /** Forgets the private keys by which this process opens the store; nothing can be followed any more. */
  wipe(): void {
    this.#state.unlocked.wipe();
    this.#slot.wipe();
  }

  get state(): StoreState {
    return this.#state;
  }

  /** When the read of the head began by which {@link state} was confirmed last. */
  get confirmed(): Instant {
    return this.#confirmed;
  }

  /** The etag of the head as it was read last. */
  get etag(): string {
    return this.#etag;
  }

  /** @throws SecureStoreError `LOCKED`, `UNAVAILABLE`, `ROLLBACK`, `INTEGRITY` where mutations aren't allowed now */
  checkWritable(): void {
    if (this.#lost !== undefined) throw this.#lost;
    this.checkFollowing();
    const { state } = this.#state.head;
    const isLeft = state === 'closing' || state === 'moved' || state === 'scratch';
    const isOpen = state === 'open' || (state === 'restoring' && this.restores) || (isLeft && this.migrates);
    if (state === 'closing' && !isOpen) throw moving();
    if (!isOpen) throw new SecureStoreError('LOCKED', `the store takes no writes now: it is ${state}`);
    this.#difference.check();
  }

  /** @throws SecureStoreError `LOCKED` where the newest keys of the store can't be had */
  checkFollowing(): void {
    if (this.#lockedOut !== undefined) throw this.#lockedOut;
  }

  /**
   * To be called before a result is released. `undefined` where that may happen at once; else a promise to await first.
   * The state may then be another than the one the operation was prepared under.
   *
   * @throws SecureStoreError `UNAVAILABLE` where the head can't be confirmed, `ROLLBACK`, `INTEGRITY`, `LOCKED`
   */
  acknowledge(signal?: AbortSignal): Promise<void> | undefined {
    if (this.#lost !== undefined) throw this.#lost;
    if (this.#isClosed) return this.#closed.whenOpen(signal);
    const age = elapsedSince(this.#confirmed, this.#clock);
    const { refreshAfter, freshFor } = this.#bounds;
    if (age < refreshAfter) return undefined;
    void this.#read();
    return age < freshFor ? undefined : this.#waitFresh(signal);
  }

  /** Whether the store is closed to move, so that whoever works with it waits until it is open somewhere. */
  get #isClosed(): boolean {
    return this.#state.head.state === 'closing' && !this.migrates;
  }

  /**
   * To be called before anything is refused for what is known of the store: what was learned long ago may be over, such as a clock
   * that was wrong, or keys that were to be destroyed. `undefined` where nothing is refused or what is known is recent.
   *
   * @throws as {@link acknowledge}
   */
  reconsider(signal?: AbortSignal): Promise<void> | undefined {
    return this.#refuses() ? this.acknowledge(signal) : undefined;
  }

  #refuses(): boolean {
    if (this.#state.keys.versions.some(({ destroyAt }) => destroyAt > 0)) return true;
    try {
      this.checkWritable();
      return false;
    } catch {
      return true;
    }
  }

  /**
   * Reads the head anew.
   *
   * @returns its etag, for a conditional write
   * @throws as {@link acknowledge}
   */
  async refresh(signal?: AbortSignal): Promise<string> {
    if (this.#lost !== undefined) throw this.#lost;
    // A read that is under way may have begun before what the caller wants to see.
    await abortable(this.#reading ?? Promise.resolve(), signal).catch(() => undefined);
    await abortable(this.#read(), signal);
    return this.#etag;
  }

  /** Waits until nobody acts on an earlier generation than the one that is current now. */
  async settle(signal?: AbortSignal): Promise<void> {
    await this.#clock.sleep(SETTLED_AFTER, signal);
  }

  /** The same where the one before had announced, and for as long as {@link settle} takes, that the store moves. */
  async settleSoon(signal?: AbortSignal): Promise<void> {
    await this.#clock.sleep(SETTLED_SOON_AFTER, signal);
  }

  async #waitFresh(signal: AbortSignal | undefined): Promise<void> {
    // The read that is under way may have begun too long ago itself; the next one begins now.
    for (let tries = 0; tries < 2; tries++) {
      await abortable(this.#reading ?? this.#read(), signal);
      if (this.#isClosed) return this.#closed.whenOpen(signal);
      if (elapsedSince(this.#confirmed, this.#clock) < this.#bounds.freshFor) return undefined;
    }
    const { freshFor } = this.#bounds;
    throw new SecureStoreError('UNAVAILABLE', `reading the head of the store takes over ${freshFor / 1000} s`);
  }

  #read(): Promise<void> {
    this.#reading ??= this.#refresh().finally(() => {
      this.#reading = undefined;
    });
    // A failed refresh shows when the bound is reached, in whoever waits for it then.
    this.#reading.catch(() => undefined);
    return this.#reading;
  }

  async #refresh(): Promise<void> {
    const begun = instant(this.#clock);
    let head: ReadHead;
    try {
      head = await this.#followNewest();
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
      if (error.code === 'INTEGRITY' || error.code === 'ROLLBACK') this.#lost = error;
      throw UNREACHABLE.has(error.code) ? unreachable(error) : error;
    }
    this.#difference.note(head.now, begun);
    this.#etag = head.etag;
    this.#confirmed = begun;
  }

  async #followNewest(): Promise<ReadHead> {
    let failed: string | undefined;
    for (let tries = 1; ; tries++) {
      const epoch = this.#epoch;
      const head = await readInTime(this.#backend, this.#clock, BOUNDS.freshFor);
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
        if (failed !== undefined) await this.#clock.sleep(RETRY_AFTER * tries);
        failed = head.etag;
      }
    }
  }

  /** @returns the head that counts: another one where the store has moved */
  async #follow(read: ReadHead): Promise<ReadHead> {
    const { head } = read;
    checkFollows(head, this.#seen);
    if (head.state === 'moved' && !this.migrates) return this.#move(head);
    if (head.generation === this.#state.head.generation) return read;
    const unlocked = await this.#followKeys(head);
    const state = unlocked && (await loadState(this.#backend, head, unlocked, this.#state));
    this.#seen = head;
    if (state === undefined) {
      if (isMember(this.#state)) throw this.#revoked();
      this.#lockedOut = new SecureStoreError(
        'LOCKED',
        'the slot that opened the store has been removed; open it again with another secret',
      );
    } else {
      this.#take(state);
    }
    void this.#onHead?.(head);
    return read;
  }

  async #move(moved: Head): Promise<ReadHead> {
    let arrived: Arrived;
    let etag: string | undefined;
    // What was here before must not pass for the store once more, wherever that is now.
    await this.#onHead?.(moved);
    try {
      arrived = await followMove(moved, this.#state, {
        moves: this.#following?.moves,
        clock: this.#clock,
        within: BOUNDS.freshFor,
        unlock: (backend, head) => this.#followKeys(head, backend),
        onFound: async (location, head) => this.#following?.onFound(location, head),
      });
      etag = await this.#following?.onMove(arrived);
    } catch (error) {
      // Whoever runs this process has to open the store there.
      if (SecureStoreError.is(error, 'LOCKED')) this.#lost = error;
      throw error;
    }
    const read = { ...arrived.read, etag: etag ?? arrived.read.etag };
    this.#seen = read.head;
    this.#take(arrived.state);
    void this.#onHead?.(read.head);
    return read;
  }

  #take(state: StoreState): void {
    const before = this.#state.unlocked;
    // What has one id shares its private key.
    if (!before.id.equals(state.unlocked.id)) before.wipe();
    this.#state = state;
    this.#bounds = boundsOf(state.head);
    this.#slot.followed();
    this.#lockedOut = undefined;
  }

  /** A member has nothing more to do here, whatever is known of the keys of before. */
  #revoked(): SecureStoreError {
    this.#lost = new SecureStoreError(
      'ACCESS_DENIED',
      'the membership by which the store was opened has been revoked; to come back, be added again and open it again',
    );
    return this.#lost;
  }

  /** By what this process opens the store under `head`; `undefined` where it does so no more. */
  async #followKeys(head: Head, backend: StorageBackend = this.#backend): Promise<Unlocked | undefined> {
    const { unlocked, head: before } = this.#state;
    if ('root' in unlocked) return this.#slot.follow(unlocked, before, head);
    if (samePin(before.references.grants, head.references.grants)) return unlocked;
    return followGrant(backend, head, unlocked);
  }

  /** As {@link OwnSlot.prepare}. */
  prepare(slot: UnlockedSlot | undefined): void {
    this.#slot.prepare(slot);
  }

  /** As {@link OwnSlot.withdraw}. */
  withdraw(slot: UnlockedSlot | undefined): void {
    this.#slot.withdraw(slot, this.#state.unlocked);
  }

  /** A change of the head by this process took effect, and another one has followed it already. */
  async adoptFollowed(slot: UnlockedSlot | undefined): Promise<void> {
    this.#epoch += 1;
    this.#slot.replace(slot, this.#state.unlocked);
    await this.refresh();
  }

  /** What a change of the head by this process leads to. @param slot where it opens the store by another slot from now on */
  async adopt(head: Head, etag: string, begun: Instant, slot?: UnlockedSlot): Promise<void> {
    this.#epoch += 1;
    this.#slot.replace(slot, this.#state.unlocked);
    try {
      if (head.generation > this.#seen.generation) {
        const unlocked = slot ?? (await this.#followKeys(head));
        const state = unlocked && (await loadState(this.#backend, head, unlocked, this.#state));
        this.#seen = head;
        if (state !== undefined) this.#take(state);
        this.#etag = etag;
        this.#confirmed = begun;
        await this.#onHead?.(head);
      } else if (slot !== undefined) {
        await this.refresh();
      }
    } catch (error) {
      // Another change has come already, and removed what this one names: then that one counts.
      if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
      await this.refresh();
    }
  }
}

import type { StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode, Head } from '@securestore/core-format';
import type { UnlockedSlot } from '@securestore/crypto';
import { abortable } from '../util/abort.ts';
import { BOUNDS, boundsOf, isFresh, QUIESCENT_AFTER, QUIESCENT_SOON_AFTER } from './freshness-bounds.ts';
import { clockRefusal } from './clock-skew.ts';
import { CutoverWait } from './move/cutover-wait.ts';
import type { Clock, Instant } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { Following, FollowerPorts } from './head-follower.ts';
import { HeadFollower } from './head-follower.ts';
import { storeUrlOf } from './move/sealed-location.ts';
import { notOpen } from './not-open.ts';
import type { ReadHead, StoreState } from './store-state.ts';
import { tryAgain } from '../util/try-again.ts';

const UNREACHABLE: ReadonlySet<ErrorCode> = new Set(['UNAVAILABLE', 'TIMEOUT', 'THROTTLED', 'ABORTED']);

function unreachable(cause: SecureStoreError): SecureStoreError {
  return new SecureStoreError('UNAVAILABLE', `the head of the store cannot be confirmed: ${cause.message}`, {
    cause,
    // One that was given up since it took too long may be read the next time.
    retryable: cause.code === 'ABORTED' || cause.retryable,
    advice: cause.advice,
  });
}

/**
 * Knows the generation of the head of the store. An operation is acknowledged only if a read of the head that
 * *began* less than five seconds ago showed the generation under which it was prepared; so a process that raises
 * the generation and waits a little longer knows that no process acts on the old one any more. Only clock rates matter.
 */
export class HeadMonitor {
  readonly #clock: Clock;
  readonly #follower: HeadFollower;
  #confirmed: Instant;
  readonly #backend: StorageBackend;
  /** Why the clocks keep this process from writing, if they do. */
  #clockRefusal: SecureStoreError | undefined;
  #reading: Promise<void> | undefined;
  #etag: string;
  /** Whether this process may write while the store is being restored, since it is the one that does it. */
  restores = false;
  /** Whether this process keeps working while the store is closed to move, since it is the one that moves it. */
  migrates = false;
  readonly #closed: CutoverWait;
  #onStalled: (() => Promise<void>) | undefined;
  /** Why the head could not be read last, unless trying again may help. */
  #failure: SecureStoreError | undefined;

  /** @param begun when the read of the head began from which `state` was made */
  constructor(ports: Omit<FollowerPorts, 'stays'>, state: StoreState, head: ReadHead, begun: Instant) {
    const { clock } = ports;
    this.#follower = new HeadFollower({ ...ports, stays: () => this.migrates }, state, head.head);
    this.#clock = clock;
    this.#confirmed = begun;
    this.#etag = head.etag;
    this.#backend = ports.backend;
    this.#compareClocks(head, begun);
    this.#closed = new CutoverWait({
      clock,
      closing: () => (this.#isClosed ? this.state.head : undefined),
      cameFrom: () => storeUrlOf(this.state),
      read: () => this.#read(),
      lost: () => this.#follower.lost,
      onStalled: () => this.#onStalled?.() ?? Promise.resolve(),
    });
  }

  /** Has the store followed to where it moves. */
  follows(following: Following): void {
    this.#follower.follows(following);
  }

  /** Calls `listener` if the store is closed to move for so long that the process that moves it must have died. */
  onStalled(listener: () => Promise<void>): void {
    this.#onStalled = listener;
  }

  /** Calls `listener` with every head that is followed from now on; a change by this process waits for it. */
  onHead(listener: (head: Head) => Promise<void>): void {
    this.#follower.onHead(listener);
  }

  /** As {@link HeadFollower.onLost}. */
  onLost(listener: (error: SecureStoreError) => void): void {
    this.#follower.onLost(listener);
  }

  /** Why this process can't keep using the store by itself, as far as is known; `undefined` if it can. */
  get blocked(): SecureStoreError | undefined {
    return this.#follower.lost ?? this.#follower.lockedOut ?? this.#failure;
  }

  /** Forgets the private keys by which this process opens the store; nothing can be followed any more. */
  wipe(): void {
    this.#follower.wipe();
  }

  get state(): StoreState {
    return this.#follower.state;
  }

  /** When the read of the head began by which {@link state} was confirmed last. */
  get confirmed(): Instant {
    return this.#confirmed;
  }

  /** The etag of the head as it was read last. */
  get etag(): string {
    return this.#etag;
  }

  /**
   * @param restores whether what is to be written may be written while the store is restored
   * @throws SecureStoreError `LOCKED`, `UNAVAILABLE`, `ROLLBACK`, `INTEGRITY` if mutations aren't allowed now
   */
  checkWritable(restores: boolean = this.restores): void {
    this.#checkNotLost();
    this.checkFollowing();
    const { state } = this.state.head;
    const isLeft = state === 'closing' || state === 'moved' || state === 'scratch';
    const isOpen = state === 'open' || (state === 'restoring' && restores) || (isLeft && this.migrates);
    if (!isOpen) throw notOpen(this.state);
    if (this.#clockRefusal !== undefined) throw this.#clockRefusal;
  }

  /** Whether the newest keys of the store can't be had now: the secret that opened it was replaced, and is asked for again. */
  get isLockedOut(): boolean {
    return this.#follower.lockedOut !== undefined;
  }

  /** @throws SecureStoreError `LOCKED` if the newest keys of the store can't be had */
  checkFollowing(): void {
    const { lockedOut } = this.#follower;
    if (lockedOut !== undefined) throw lockedOut;
  }

  /** @throws SecureStoreError if nothing but opening the store again helps */
  #checkNotLost(): void {
    const { lost } = this.#follower;
    if (lost !== undefined) throw lost;
  }

  /**
   * To be called before a result is released. `undefined` if that may happen at once; else a promise to await first.
   * The state may then be another than the one the operation was prepared under.
   *
   * @throws SecureStoreError `UNAVAILABLE` if the head can't be confirmed, `ROLLBACK`, `INTEGRITY`, `LOCKED`
   */
  acknowledge(signal?: AbortSignal): Promise<void> | undefined {
    this.#checkNotLost();
    if (this.#isClosed) return this.#closed.whenOpen(signal);
    const age = elapsedSince(this.#confirmed, this.#clock);
    const { refreshAfter, freshFor } = boundsOf(this.state.head);
    if (age < refreshAfter) return undefined;
    void this.#read();
    return age < freshFor ? undefined : this.#waitFresh(signal);
  }

  /** Whether the store is closed, so that its calls wait until it is open somewhere. */
  get #isClosed(): boolean {
    return this.state.head.state === 'closing' && !this.migrates;
  }

  /**
   * To be called before anything is refused for what is known of the store: what was learned long ago may be over, such as a clock
   * that was wrong, or keys that were to be destroyed. `undefined` if nothing is refused or what is known is recent.
   *
   * @throws as {@link acknowledge}
   */
  reconsider(signal?: AbortSignal): Promise<void> | undefined {
    return this.#refuses() ? this.acknowledge(signal) : undefined;
  }

  #refuses(): boolean {
    if (this.state.keys.versions.some(({ destroyAt }) => destroyAt > 0)) return true;
    try {
      this.checkWritable();
      return false;
    } catch {
      return true;
    }
  }

  /**
   * Reads the head again.
   *
   * @returns its etag, for a conditional write
   * @throws as {@link acknowledge}
   */
  async refresh(signal?: AbortSignal): Promise<string> {
    this.#checkNotLost();
    // A read that is under way may have begun before what the caller wants to see.
    await abortable(this.#reading ?? Promise.resolve(), signal).catch(() => undefined);
    await abortable(this.#read(), signal);
    return this.#etag;
  }

  /** Waits until no process acts on an earlier generation than the one that is current now. */
  async quiesce(signal?: AbortSignal): Promise<void> {
    await this.#clock.sleep(QUIESCENT_AFTER, signal);
  }

  /** The same if the one before had announced, and for as long as {@link quiesce} takes, that the store moves. */
  async quiesceSoon(signal?: AbortSignal): Promise<void> {
    await this.#clock.sleep(QUIESCENT_SOON_AFTER, signal);
  }

  /**
   * While the store is announced to move, a confirmation counts for half a second only. Calls outlast outages then for as long
   * as at other times, and slow reads for longer, since more of them are too slow.
   */
  async #waitFresh(signal: AbortSignal | undefined): Promise<void> {
    const begun = instant(this.#clock);
    // The read that is under way may have begun too long ago itself; the next one begins now.
    const mayWait = (): boolean => elapsedSince(begun, this.#clock) < boundsOf(this.state.head).waitFor;
    for (let tries = 0; tries < 2 || mayWait(); tries++) {
      try {
        await abortable(this.#reading ?? this.#read(), signal);
      } catch (error) {
        const mayPass = SecureStoreError.is(error, 'UNAVAILABLE') && error.retryable;
        if (!mayPass || elapsedSince(this.#confirmed, this.#clock) >= BOUNDS.freshFor) throw error;
        await this.#clock.sleep(boundsOf(this.state.head).refreshAfter, signal);
        continue;
      }
      if (this.#isClosed) return this.#closed.whenOpen(signal);
      if (isFresh(this.#confirmed, this.#clock, this.state.head)) return undefined;
    }
    const { freshFor } = boundsOf(this.state.head);
    throw tryAgain('UNAVAILABLE', `reading the head of the store took over ${freshFor / 1000} s`);
  }

  #read(): Promise<void> {
    this.#reading ??= this.#refresh().finally(() => {
      this.#reading = undefined;
    });
    // A failed refresh shows when the bound is reached, to the call that waits for it then.
    this.#reading.catch(() => undefined);
    return this.#reading;
  }

  async #refresh(): Promise<void> {
    const begun = instant(this.#clock);
    let head: ReadHead;
    try {
      head = await this.#follower.followNewest();
      this.#failure = undefined;
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
      this.#failure = error.retryable || error.code === 'ABORTED' ? undefined : error;
      throw UNREACHABLE.has(error.code) ? unreachable(error) : error;
    }
    this.#compareClocks(head, begun);
    this.#etag = head.etag;
    this.#confirmed = begun;
  }

  /** @param asked when the head was asked for */
  #compareClocks({ now }: ReadHead, asked: Instant): void {
    this.#clockRefusal = clockRefusal(this.#backend, now === undefined ? undefined : now - asked.now);
  }

  /** As {@link HeadFollower.prepare}. */
  prepare(slot: UnlockedSlot | undefined): void {
    this.#follower.prepare(slot);
  }

  /** As {@link HeadFollower.withdraw}. */
  withdraw(slot: UnlockedSlot | undefined): void {
    this.#follower.withdraw(slot);
  }

  /** A change of the head by this process took effect, and another one has followed it already. */
  async adoptFollowed(slot: UnlockedSlot | undefined): Promise<void> {
    this.#follower.changed(slot);
    await this.refresh();
  }

  /** What a change of the head by this process leads to. @param slot if it opens the store by another slot from now on */
  async adopt(head: Head, etag: string, begun: Instant, slot?: UnlockedSlot): Promise<void> {
    this.#follower.changed(slot);
    try {
      if (this.#follower.isNews(head)) {
        await this.#follower.adopt(head, slot);
        this.#etag = etag;
        this.#confirmed = begun;
        await this.#follower.tell(head);
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

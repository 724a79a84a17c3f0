import type { ConsumerState, PendingEntry } from '@securestore/core-format';
import { encodeBase32, SecureStoreError } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import type { JournalFinding } from './alarms.ts';
import { ConsumerHold } from './consumer-hold.ts';
import type { HeldConsumer } from './consumer-state.ts';
import { fitsConsumer, markOf } from './consumer-state.ts';
import type { KnownObject } from './full-scan-diff.ts';
import { differences } from './full-scan-diff.ts';
import { HINT_LAPSES_AFTER } from '../engine/journal-limits.ts';
import { Position } from './cursor.ts';
import type { Change } from './resolve-hints.ts';
import { resolveHints } from './resolve-hints.ts';
import { UnannouncedChanges } from './unannounced-changes.ts';

const DEFAULT_LIMIT = 1000;
const MAX_TICKS = 10;
/** The longest pause between two ticks of a fine clock, in milliseconds: one that stands still moves by a step in less. */
const TICK_PAUSE = 200;

/** What has changed, as far as one look at the journal shows. */
export interface Poll {
  /** By token, of each the oldest version first. The same change may come again. */
  readonly changes: readonly Change[];
  readonly alarms: readonly JournalFinding[];
  /** Whether the next look finds more at once. */
  readonly more: boolean;
}

/** The end of a cut: all that was visited since the one before leads from its state to this one. */
export interface Cut {
  /**
   * Milliseconds since 1970 by the backend's clock: the cut holds whatever was acknowledged before. Cuts of one consumer
   * are in the order of their times.
   */
  readonly time: number;
  readonly alarms: readonly JournalFinding[];
}

/** What receives changes, one at a time. */
export type Visit = (change: Change) => Promise<void> | void;

export interface PassOptions {
  /** What is known so far, in the order of tokens: then what nobody has announced is an alarm. */
  readonly known?: AsyncIterable<KnownObject> | undefined;
  /**
   * Called with what is `known` and is not there any more, by a consumer that starts over: the journal was not kept for it, and the
   * deletion may have been forgotten since. What it keeps of the object is to go. In other passes that is an alarm.
   */
  readonly onGone?: ((object: KnownObject) => Promise<void> | void) | undefined;
  /**
   * Called instead of `visit` for what the journal announces, in the order of time: most of it is what the pass has seen just before.
   */
  readonly visitAnnounced?: Visit | undefined;
  /** Whether nothing can be under way that the journal doesn't know of, so that there is nothing to wait for. */
  readonly settled?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

async function* nothingKnown(): AsyncGenerator<KnownObject> {}

/**
 * Reads the journal: what has changed since it last looked. Nothing is confirmed before {@link commit}; what was read
 * after that is read again by the next process. For one call at a time. Made by {@link openConsumer}.
 */
export class Consumer {
  readonly #engine: Engine;
  readonly #hold: ConsumerHold;
  #position: Position;

  constructor(engine: Engine, name: string, held: HeldConsumer) {
    this.#engine = engine;
    this.#hold = new ConsumerHold(engine, name, held);
    this.#position = new Position(held.state);
  }

  get label(): string {
    return this.#hold.state.label;
  }

  /** A digest of everything that it has confirmed. */
  get mark(): string {
    return markOf(this.#hold.state);
  }

  /** Whether a {@link pass} is owed: until then the journal alone doesn't tell everything, and no cut may be published. */
  get passDue(): boolean {
    return this.#position.pass !== 'none';
  }

  /** Owes a pass over everything from now on, and judges nothing by it: what it has confirmed is not what others have of it. */
  startOver(): void {
    this.#position.pass = 'afresh';
  }

  /** Owes no pass any more: whoever it belongs to has looked at everything otherwise, since it was registered. */
  caughtUp(): void {
    this.#position.pass = 'none';
  }

  /** Whether the journal was not kept for it, so that what nobody has announced is nothing to judge by. */
  get #beginsAnew(): boolean {
    return this.#position.pass === 'afresh';
  }

  /**
   * What has changed since the last look.
   *
   * @param options.limit stops once it has read this many entries of hints; by default 1000
   * @throws SecureStoreError `NOT_FOUND` if the consumer is registered no more, `CONFLICT` if another process is
   *   this consumer too, `INTEGRITY`, and what the backend throws
   */
  async poll({ limit = DEFAULT_LIMIT, signal }: { limit?: number; signal?: AbortSignal } = {}): Promise<Poll> {
    await this.#look(signal);
    return this.#reading(() => this.#read(limit, undefined, signal));
  }

  /** What was read by a call that fails is read again, since nobody has got it. */
  async #reading<T>(body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      this.#readAgain();
      throw error;
    }
  }

  /**
   * Reads all current objects and visits those that differ from what is known, in the order of tokens, then reads the journal to its end. Waits
   * 6 s first, unless that is `settled`, so that nothing is under way any more that the journal doesn't know of.
   *
   * @returns alarms; if some are about the journal itself, another pass is due
   * @throws SecureStoreError as {@link poll}
   */
  async pass(visit: Visit, options: PassOptions = {}): Promise<JournalFinding[]> {
    await this.#look(options.signal);
    return this.#reading(() => this.#pass(visit, options));
  }

  async #pass(
    visit: Visit,
    { known, onGone, visitAnnounced = visit, settled, signal }: PassOptions,
  ): Promise<JournalFinding[]> {
    const { monitor } = this.#engine;
    if (settled !== true) await monitor.quiesce(signal);
    // It may be owed for what keys open that this process has not heard of yet.
    await monitor.refresh(signal);
    const judging = known !== undefined && !this.#beginsAnew;
    const suspects = new UnannouncedChanges();
    const alarms: JournalFinding[] = [];
    for await (const difference of differences(this.#engine, known ?? nothingKnown(), signal)) {
      const { token, change, alarm } = difference;
      if (alarm !== undefined) alarms.push(alarm);
      else if (judging) suspects.add(token, change, this.#hold.state.since);
      else if (change === undefined && difference.known !== undefined) await onGone?.(difference.known);
      if (change !== undefined) await visit(change);
    }
    this.#position.pass = 'none';
    for (let more = true; more;) {
      const announced: PendingEntry[] = [];
      const poll = await this.#read(DEFAULT_LIMIT, undefined, signal, (entry) => void announced.push(entry));
      suspects.clear(announced, poll.changes);
      for (const change of poll.changes) await visitAnnounced(change);
      alarms.push(...poll.alarms);
      ({ more } = poll);
    }
    // Who expired meanwhile has to start over, and holds nothing against what it found until then.
    if (suspects.size > 0) await this.#isExcused(signal);
    return this.#beginsAnew ? alarms : [...alarms, ...suspects.alarms()];
  }

  /**
   * Visits what belongs to the state of all objects at one time, beyond what was visited before: whatever was
   * acknowledged before the call, and nothing without what it depends on. Not to be published if {@link passDue} before
   * it or after.
   *
   * @throws SecureStoreError as {@link poll}; `UNAVAILABLE` if the backend's clock stands still
   */
  async cut(visit: Visit, signal?: AbortSignal): Promise<Cut> {
    await this.#look(signal);
    return this.#reading(() => this.#cut(visit, signal));
  }

  async #cut(visit: Visit, signal: AbortSignal | undefined): Promise<Cut> {
    const { clockSkew } = this.#engine.backend.capabilities;
    const tick = await this.#tickAfter(await this.#tick(), signal);
    const alarms: JournalFinding[] = [];
    for (let more = true; more;) {
      const poll = await this.#read(DEFAULT_LIMIT, tick - clockSkew, signal);
      for (const change of poll.changes) await visit(change);
      alarms.push(...poll.alarms);
      more = poll.more || (await this.#look(signal));
    }
    return { time: tick - 2 * clockSkew, alarms };
  }

  /** Writes the confirmed state once more, to see the backend's clock at this moment. */
  async #tick(): Promise<number> {
    await this.#save(this.#hold.state);
    return this.#hold.modified;
  }

  /** A tick so much later than `first` that all that was written before `first` shows an earlier time, on any server. */
  async #tickAfter(first: number, signal: AbortSignal | undefined): Promise<number> {
    const { clockSkew, modifiedResolution } = this.#engine.backend.capabilities;
    for (let tries = 0; tries < MAX_TICKS; tries++) {
      // One that was set back stands still, and moves by a step now and then.
      const pause = Math.max(2 * clockSkew + modifiedResolution, Math.min(2 ** tries, TICK_PAUSE));
      await this.#engine.clock.sleep(pause, signal);
      const tick = await this.#tick();
      if (tick > first + 2 * clockSkew) return tick;
    }
    throw new SecureStoreError(
      'UNAVAILABLE',
      'cannot tell which changes are complete: the clock of the backend stands still',
    );
  }

  /**
   * Confirms what was read: it is not read again, and may be removed.
   *
   * @throws SecureStoreError `CONFLICT` if another process is this consumer too, `TOO_LARGE` if there are more
   *   writers than its state holds, and what the backend throws
   */
  async commit(): Promise<void> {
    const state = { ...this.#hold.state, ...this.#position.snapshot() };
    if (fitsConsumer(this.#engine, state)) return this.#save(state);
    // More is pending than it can remember. All that may still happen is announced in hints that are still there, so
    // it starts over with those, and with a pass.
    this.#position = new Position({ pass: 'afresh', pending: [], cursors: [] });
    return this.#save({ ...state, ...this.#position.snapshot() });
  }

  /** Shows that the consumer is alive, without confirming anything. @throws SecureStoreError as {@link commit} */
  async heartbeat(): Promise<void> {
    await this.#save(this.#hold.state);
  }

  /** Ends the consumer: the journal isn't kept for it any more. */
  async unregister(): Promise<void> {
    await this.#hold.unregister();
  }

  async #save(state: ConsumerState): Promise<void> {
    if (!(await this.#hold.save(state))) this.#readAgain();
  }

  /** Looks at its own state. @returns whether it has expired, and starts over: then what it didn't find may have been removed rightly */
  async #look(signal: AbortSignal | undefined): Promise<boolean> {
    if (await this.#hold.look(signal)) return false;
    this.#readAgain();
    return true;
  }

  /** Reads on from what was confirmed last. */
  #readAgain(): void {
    this.#position = new Position(this.#hold.state);
  }

  /** Whether what is missing may be missing rightly. If the store is no more, the journal is removed, and nobody is registered. */
  async #isExcused(signal: AbortSignal | undefined): Promise<boolean> {
    await this.#engine.monitor.refresh(signal);
    return this.#look(signal);
  }

  async #read(
    limit: number,
    until: number | undefined,
    signal: AbortSignal | undefined,
    onAnnounced?: (entry: PendingEntry) => void,
  ): Promise<Poll> {
    const position = this.#position;
    const before = new Map(position.pending);
    const { alarms, more } = await position.advance(this.#engine, { limit, before: until, signal });
    // What was announced again may have been copied before that.
    const lookedFor = new Set(
      [...before].filter(([commit, entry]) => position.pending.get(commit) === entry).map(([commit]) => commit),
    );
    if (alarms.length > 0 && (await this.#isExcused(signal))) return { changes: [], alarms: [], more: true };
    for (const entry of position.pending.values()) onAnnounced?.(entry);
    const resolved = await resolveHints(this.#engine, position.pending.values(), {
      since: this.#hold.state.since,
      lookedFor,
      signal,
    });
    position.pending.clear();
    for (const entry of resolved.pending) {
      if (this.#hold.now - entry.written <= HINT_LAPSES_AFTER)
        position.pending.set(encodeBase32(entry.commitId), entry);
    }
    return { changes: resolved.changes, alarms: [...alarms, ...resolved.alarms], more };
  }
}

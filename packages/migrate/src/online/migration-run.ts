import type { StorageBackend } from '@securestore/backend-api';
import { isBackendKeyPrefix } from '@securestore/backend-api';
import type { Head } from '@securestore/core-format';
import { AREAS, asBuffer, SecureStoreError } from '@securestore/core-format';
import type { Instant, JobContext } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { Consumer, MigrationArea } from '@securestore/objects/internal';
import type { Applied } from './changes.ts';
import type { Tally } from './tally.ts';
import type { MigrationFailure, MigrationPhase, MigrationReport, CopyStoreOptions, MoveProgress } from './types.ts';

const MAX_LISTED = 1000;
/** How often changes are read while the migration is announced, in milliseconds. */
const FOLLOW_EVERY = 100;
/** How long applying changes takes at most, in milliseconds, unless they come about as fast as they can be applied. */
const BEHIND_AFTER = 60_000;
/** How often changes are read while the store is closed, in milliseconds. */
const LOOK_EVERY = 50;

/** The source and the target of a migration. */
export interface Places {
  readonly from: string;
  readonly to: string;
  readonly target: StorageBackend;
}

/** The progress of an earlier run, as its cursor records it. */
export interface Cursor {
  /** Hex of the instance that the store becomes, or of the id of the migration: a cursor of another one says nothing. */
  readonly instance: string;
  /** Changes from then on are read again, in milliseconds since 1970 by the clock of the backend. */
  readonly since: number;
  /** The last token that was copied; `undefined` if all were. */
  readonly after: string | undefined;
}

export function parseCursor(cursor: unknown, instance: string): Cursor | undefined {
  if (typeof cursor !== 'object' || cursor === null) return undefined;
  const { instance: of, since, after } = cursor as Partial<Cursor>;
  // Members can seal another one, and what no backend lists after would end every run.
  const isName = after === undefined || (typeof after === 'string' && isBackendKeyPrefix(`${AREAS.objects}${after}`));
  const isCursor = of === instance && typeof since === 'number' && isName;
  return isCursor ? { instance, since, after } : undefined;
}

export const hex = (id: Uint8Array): string => asBuffer(id).toString('hex');

/** The prefix of the labels of consumers that read the changes of a store for a migration, or for the way back. */
export const CONSUMERS = 'migration/';

export const consumerLabel = (instance: Uint8Array): string => `${CONSUMERS}${hex(instance)}`;

/** A late write of a process that cancels a migration may end the consumer of the next one, which then starts again. */
async function reading<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!SecureStoreError.is(error, 'NOT_FOUND')) throw error;
    const message = 'the migration was cancelled by another process, and the journal does not keep changes for it';
    const advice = [{ id: 'resume-migration' }] as const;
    throw new SecureStoreError('CONFLICT', message, { retryable: true, cause: error, advice });
  }
}

/** One run of a migration: how it applies changes, announces that the store is about to move, and reports. Its kind decides how objects are copied. */
export abstract class MigrationRun {
  protected readonly area: MigrationArea;
  protected readonly places: Places;
  protected readonly options: CopyStoreOptions;
  protected readonly context: JobContext<unknown>;
  protected abstract readonly tally: Tally;
  protected readonly alarms: Set<string> = new Set();
  /** The head of the re-encrypted store, once the store has moved. */
  sealedAnew: Head | undefined;
  protected objects = 0;
  protected corrected = 0;
  #changes = 0;
  /** How many objects there were when they were counted. */
  #counted: Promise<{ readonly total: number; readonly before: number }> | undefined;
  #phase: MigrationPhase | undefined;

  constructor(area: MigrationArea, places: Places, options: CopyStoreOptions, context: JobContext<unknown>) {
    this.area = area;
    this.places = places;
    this.options = options;
    this.context = context;
  }

  /** Reads the journal once, and applies its changes to the target. */
  protected abstract apply(consumer: Consumer): Promise<Applied>;

  /** Makes objects at the target the same as in the store. */
  protected abstract bringAll(tokens: AsyncIterable<string>): Promise<void>;

  protected progress(update: MoveProgress): void {
    this.#phase = update.phase ?? this.#phase;
    this.context.progress(update);
  }

  /**
   * Begins a phase that reads all objects. The first one, unless it resumes that of an earlier run, does not wait until they are counted:
   * in a large store nothing would be copied until then.
   *
   * @param after the last one that an earlier run has read, in the first such phase
   */
  protected async beginPass(phase: MigrationPhase, after?: string): Promise<void> {
    const isFirst = this.#counted === undefined;
    this.#counted ??= this.#count(phase, after);
    if (isFirst && after === undefined) {
      this.progress({ phase });
      // An error of counting occurs in copying, too.
      this.#counted.catch(() => undefined);
      return;
    }
    const { total, before } = await this.#counted;
    this.progress({ phase, total, done: isFirst ? before : 0 });
  }

  /** @param after as for {@link beginPass}; the count up to it is reported */
  async #count(phase: MigrationPhase, after = ''): Promise<{ readonly total: number; readonly before: number }> {
    const last = `${AREAS.objects}${after}`;
    let [total, before] = [0, 0];
    for await (const { key } of this.area.entries(AREAS.objects, { signal: this.context.signal })) {
      total += 1;
      if (key <= last) before += 1;
    }
    if (this.#phase === phase) this.progress({ total });
    return { total, before };
  }

  /** @returns whether there is more */
  protected async take(consumer: Consumer): Promise<boolean> {
    const { changes, alarms, more } = await reading(this.apply(consumer));
    for (const message of alarms) this.alarms.add(message);
    this.#changes += changes;
    this.progress({ done: changes });
    return more;
  }

  /** Confirms that what was read is applied at the target. */
  protected confirm(consumer: Consumer): Promise<void> {
    return reading(consumer.commit());
  }

  /** Applies changes. @param toTheEnd whether until no more are found */
  protected async follow(consumer: Consumer, toTheEnd: boolean): Promise<void> {
    const { clock } = this.context;
    const begun = instant(clock);
    if (toTheEnd) this.progress({ phase: 'applying changes' });
    for (let more = true; more;) {
      more = (await this.take(consumer)) && toTheEnd;
      await this.confirm(consumer);
      if (more && elapsedSince(begun, clock) > BEHIND_AFTER) this.progress({ phase: 'falling behind' });
    }
  }

  /** The same, and if the journal has a hole, all objects that may have changed are read again. */
  protected async followHoles(consumer: Consumer): Promise<void> {
    await this.follow(consumer, true);
    if (consumer.passDue) await this.#catchUp(consumer, 0);
  }

  /**
   * Everything was copied; objects that changed before all processes announced their changes are read again.
   *
   * @param begun when copying began
   * @param settled whether all processes announced their changes by then
   */
  protected async copied(consumer: Consumer, begun: Instant, cursor: Cursor, settled: boolean): Promise<void> {
    const { signal, clock } = this.context;
    // Whatever was under way when the journal was switched on is announced, or has come to an end.
    if (!settled && elapsedSince(begun, clock) < this.area.settledAfter) {
      this.progress({ phase: 'waiting for writes that were under way' });
      await this.area.settle(signal);
    }
    await this.#catchUp(consumer, cursor.since);
    await this.context.save(cursor, { now: true });
  }

  async #catchUp(consumer: Consumer, since: number): Promise<void> {
    this.progress({ phase: 'applying changes' });
    await this.bringAll(this.#changedSince(since));
    consumer.caughtUp();
    await this.confirm(consumer);
  }

  async *#changedSince(since: number): AsyncGenerator<string> {
    const { clockSkew, modifiedResolution } = this.area.capabilities;
    const from = since - clockSkew - modifiedResolution;
    for await (const { key, modified } of this.area.entries(AREAS.objects, { signal: this.context.signal })) {
      if (modified >= from) yield key.slice(AREAS.objects.length);
    }
  }

  /** Tells all processes that the store is about to move, and applies changes until they know. */
  protected async announce(consumer: Consumer): Promise<void> {
    const { signal, clock } = this.context;
    this.progress({ phase: 'announcing' });
    const ended = new AbortController();
    const announcing = this.area.announce(signal).finally(() => ended.abort());
    announcing.catch(() => undefined);
    while (!ended.signal.aborted) {
      await this.follow(consumer, false);
      await clock.sleep(FOLLOW_EVERY, signal);
    }
    await announcing;
  }

  /**
   * Waits until no process reads or writes any more, once the store is closed, and applies changes meanwhile, so that the last read finds
   * few. A read that would take longer is not begun.
   */
  protected async settleClosed(consumer: Consumer): Promise<void> {
    const { signal, clock } = this.context;
    const begun = instant(clock);
    const settled = this.area.settleSoon(signal);
    settled.catch(() => undefined);
    for (let took = 0, now = 0; now + 1.5 * took < this.area.settledSoonAfter;) {
      await this.take(consumer);
      const after = elapsedSince(begun, clock);
      took = after - now;
      await clock.sleep(LOOK_EVERY, signal);
      now = elapsedSince(begun, clock);
    }
    await settled;
  }

  /** Closes the store. @returns as {@link MigrationArea.close} */
  protected async close(): Promise<Head | undefined> {
    try {
      return await this.area.close(this.context.signal);
    } catch (error) {
      // It may be closed after all, if the answer was lost.
      await this.openAgain(undefined);
      throw error;
    }
  }

  /** After a failure the store must not stay closed. @param closed the head that closed it, if it is known */
  protected async openAgain(closed: Head | undefined): Promise<void> {
    const head = await this.area.refresh().catch(() => closed);
    if (head?.state === 'moved') return;
    await this.area.reopen().catch(() => undefined);
  }

  #named(failure: MigrationFailure): MigrationFailure {
    const key = failure.key ?? this.area.copying.keyAt(failure.name);
    return key === undefined ? failure : { ...failure, key };
  }

  protected report(pause: number, migrated: boolean): MigrationReport {
    const { failed, untold, versions, bytes } = this.tally;
    const { from: source, to: target } = this.places;
    const list = [...failed.values()];
    return {
      source,
      target,
      migrated,
      objects: this.objects,
      versions,
      bytes,
      changes: this.#changes,
      corrected: this.corrected,
      failed: list.slice(0, MAX_LISTED).map((failure) => this.#named(failure)),
      failures: list.length + untold,
      pause,
      findings: [...this.alarms],
    };
  }
}

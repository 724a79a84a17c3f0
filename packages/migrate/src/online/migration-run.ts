import type { StorageBackend } from '@securestore/backend-api';
import { isBackendKeyPrefix } from '@securestore/backend-api';
import type { Head } from '@securestore/core-format';
import { AREAS, asBuffer, SecureStoreError } from '@securestore/core-format';
import type { Instant, JobContext } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { Consumer, MigrationArea } from '@securestore/objects/internal';
import type { Applied } from './changes.ts';
import type { Tally } from './tally.ts';
import type { MigrationPhase, MigrationReport, MoveOptions, MoveProgress } from './types.ts';

const MAX_LISTED = 1000;
/** How often changes are looked for while the move is announced, in milliseconds. */
const FOLLOW_EVERY = 100;
/** How long following changes takes at most, in milliseconds, where they do not come about as fast as they can be followed. */
const BEHIND_AFTER = 60_000;
/** How often changes are looked for while it is closed, in milliseconds. */
const LOOK_EVERY = 50;

/** Where a store is, and where it moves to. */
export interface Places {
  readonly from: string;
  readonly to: string;
  readonly target: StorageBackend;
}

/** What a run before has done, as its cursor says. */
export interface Cursor {
  /** Hex of the instance that the store becomes, or of the id of the migration: a cursor of another one says nothing. */
  readonly instance: string;
  /** Changes from then on are looked at again, in milliseconds since 1970 by the clock of the backend. */
  readonly since: number;
  /** The last token that was copied; `undefined` where all were. */
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

/** What begins the labels of whoever reads the changes of a store on the way to a place, or back to one. */
export const CONSUMERS = 'migration/';

export const consumerLabel = (instance: Uint8Array): string => `${CONSUMERS}${hex(instance)}`;

/** What whoever gives up a migration has sent may come late, and end what reads the changes for the next one, which then begins anew. */
async function reading<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!SecureStoreError.is(error, 'NOT_FOUND')) throw error;
    const message =
      'the changes of the store are not kept for the migration any more, which was given up from elsewhere; try again';
    throw new SecureStoreError('CONFLICT', message, { retryable: true, cause: error });
  }
}

/** One run of a migration: how it follows what changes, announces that the store is about to move, and reports. How objects are brought there is up to its kind. */
export abstract class MigrationRun {
  protected readonly area: MigrationArea;
  protected readonly places: Places;
  protected readonly options: MoveOptions;
  protected readonly context: JobContext<unknown>;
  protected abstract readonly tally: Tally;
  protected readonly alarms: Set<string> = new Set();
  /** Of the store that this one was sealed anew as, once it has moved. */
  sealedAnew: Head | undefined;
  protected objects = 0;
  protected corrected = 0;
  #changes = 0;
  /** How many objects there were when they were counted. */
  #counted: Promise<{ readonly total: number; readonly before: number }> | undefined;
  #phase: MigrationPhase | undefined;

  constructor(area: MigrationArea, places: Places, options: MoveOptions, context: JobContext<unknown>) {
    this.area = area;
    this.places = places;
    this.options = options;
    this.context = context;
  }

  /** Looks at the journal once, and does the same where the store moves to. */
  protected abstract apply(consumer: Consumer): Promise<Applied>;

  /** Brings objects in line there. */
  protected abstract bringAll(tokens: AsyncIterable<string>): Promise<void>;

  protected progress(update: MoveProgress): void {
    this.#phase = update.phase ?? this.#phase;
    this.context.progress(update);
  }

  /**
   * Begins a phase that looks at all objects. The first one, unless it goes on with that of an earlier run, does not wait until they are
   * counted: in a large store nothing would be copied until then.
   *
   * @param after the last one that an earlier run has looked at, in the first such phase
   */
  protected async beginPass(phase: MigrationPhase, after?: string): Promise<void> {
    const isFirst = this.#counted === undefined;
    this.#counted ??= this.#count(phase, after);
    if (isFirst && after === undefined) {
      this.progress({ phase });
      // What keeps it from being counted keeps it from being copied, too.
      this.#counted.catch(() => undefined);
      return;
    }
    const { total, before } = await this.#counted;
    this.progress({ phase, total, done: isFirst ? before : 0 });
  }

  /** @param after as for {@link beginPass}, where it is told how many that are */
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

  /** What was read is done there. */
  protected confirm(consumer: Consumer): Promise<void> {
    return reading(consumer.commit());
  }

  /** Follows what has changed. @param toTheEnd whether until nothing more is found */
  protected async follow(consumer: Consumer, toTheEnd: boolean): Promise<void> {
    const { clock } = this.context;
    const begun = instant(clock);
    if (toTheEnd) this.progress({ phase: 'following' });
    for (let more = true; more;) {
      more = (await this.take(consumer)) && toTheEnd;
      await this.confirm(consumer);
      if (more && elapsedSince(begun, clock) > BEHIND_AFTER) this.progress({ phase: 'falling behind' });
    }
  }

  /** The same, and where the journal has a hole, all that may have changed is looked at again. */
  protected async followHoles(consumer: Consumer): Promise<void> {
    await this.follow(consumer, true);
    if (consumer.passDue) await this.#catchUp(consumer, 0);
  }

  /**
   * Everything was copied; what changed before everybody announced what they do is looked at again.
   *
   * @param begun when copying began
   * @param settled whether everything was announced by then that anybody does
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
    this.progress({ phase: 'following' });
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

  /** Has everybody know that the store is about to move, and follows what changes until they do. */
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
   * Waits until nobody reads or writes any more, once the store is closed, and follows what still comes meanwhile, so that the last look
   * finds little. A look that would take longer is not begun.
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
      // It may be closed all the same, where that was not answered.
      await this.openAgain(undefined);
      throw error;
    }
  }

  /** Whatever has failed, nobody is to wait for a store that is closed. @param closed the head that closed it, where it is known */
  protected async openAgain(closed: Head | undefined): Promise<void> {
    const head = await this.area.refresh().catch(() => closed);
    if (head?.state === 'moved') return;
    await this.area.reopen().catch(() => undefined);
  }

  protected report(pause: number, moved: boolean): MigrationReport {
    const { failed, untold, versions, bytes } = this.tally;
    const { from, to } = this.places;
    const list = [...failed.values()];
    return {
      from,
      to,
      moved,
      objects: this.objects,
      versions,
      bytes,
      changes: this.#changes,
      corrected: this.corrected,
      failed: list.slice(0, MAX_LISTED),
      failures: list.length + untold,
      pause,
      alarms: [...this.alarms],
    };
  }
}

import { AREAS, HEAD_NAME, SecureStoreError, tokenOf } from '@securestore/core-format';
import type { JobContext } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { Finding } from '@securestore/objects';
import type { Consumer, VerifiedRecords, MigrationArea, Occupied } from '@securestore/objects/internal';
import { entriesUnder, mapConcurrently, OWN_AREAS } from '@securestore/objects/internal';
import { AuditLogCopy } from './audit-log.ts';
import { applyChanges } from './changes.ts';
import type { Applied } from './changes.ts';
import { Copier } from './copier.ts';
import { failureOf, namesToldOf } from './findings.ts';
import type { Listed } from './listing.ts';
import type { Cursor, Places } from './migration-run.ts';
import { consumerLabel, hex, MigrationRun, parseCursor } from './migration-run.ts';
import { mendCopy } from './mend-copy.ts';
import { checkStays } from './overtaken.ts';
import { OBJECTS_AT_ONCE, Sides } from './sides.ts';
import type { Tally } from './tally.ts';
import type { MigrationReport, CopyStoreOptions } from './types.ts';

/** How often the move is tried while other processes prevent it. */
const MAX_TRIES = 3;

/** The work of one run of a migration. */
export class Move extends MigrationRun {
  readonly #copier: Copier;
  readonly #sides: Sides;
  readonly #auditLog: AuditLogCopy;

  constructor(area: MigrationArea, places: Places, options: CopyStoreOptions, context: JobContext<unknown>) {
    super(area, places, options, context);
    const { signal } = context;
    const { target } = places;
    const copier = new Copier({ area, target, signal, onCopied: (bytes) => this.progress({ bytes }) });
    this.#copier = copier;
    this.#auditLog = new AuditLogCopy(area, target, signal);
    this.#sides = new Sides({ area, target, copier, signal, onCorrected: (names) => this.#correct(names) });
  }

  protected get tally(): Tally {
    return this.#copier.tally;
  }

  async run(): Promise<MigrationReport> {
    const { signal } = this.context;
    this.progress({ phase: 'preparing' });
    if (await this.#hasMoved()) return this.report(0, true);
    const settled = await this.area.isJournalQuiescent(signal);
    const { instance, occupied } = await this.#begin();
    if (occupied.head !== undefined) this.#copier.trust = 'nothing';
    if (occupied.head !== undefined || occupied.resumed) this.#auditLog.trust = 'nothing';
    this.#copier.isWayBack = occupied.head?.head.state === 'moved';
    const label = this.#labelFor(occupied, instance);
    const consumer = await this.area.open(label, ({ message }) => void this.alarms.add(message), signal);
    await this.#copy(consumer, occupied, hex(instance), settled);
    await this.follow(consumer, true);
    await this.#compare(consumer, occupied);
    if (this.tally.failed.size > 0 && this.options.partial !== true) return this.report(0, false);
    if (this.options.copyOnly === true) return this.report(0, false);
    for (let tries = 1; ; tries++) {
      const pause = await this.#cutOver(consumer, occupied);
      if (pause !== undefined) return this.report(pause, true);
      if (tries === MAX_TRIES) {
        throw new SecureStoreError(
          'CONFLICT',
          `the head of the store was changed by other processes at each of ${MAX_TRIES} attempts to move it`,
          { retryable: true, advice: [{ id: 'resume-migration', source: this.places.from, target: this.places.to }] },
        );
      }
      await this.follow(consumer, true);
    }
  }

  /** Writes the target into the head of the store, and takes the target; if that fails, nothing was begun. */
  async #begin(): Promise<{ readonly instance: Uint8Array; readonly occupied: Occupied }> {
    const { signal } = this.context;
    const isNew = this.area.head.migration === undefined;
    const instance = await this.area.begin(this.places.to, false, signal);
    try {
      return { instance, occupied: await this.area.occupy(this.places.target, instance, signal) };
    } catch (error) {
      if (isNew) await this.area.cancel().catch(() => undefined);
      throw error;
    }
  }

  /** On the way back only what has changed since is read. */
  #labelFor({ head }: Occupied, instance: Uint8Array): string {
    return consumerLabel(head?.head.state === 'moved' ? head.head.instance : instance);
  }

  /** Whether an earlier run has moved the store, or only its end is missing. */
  async #hasMoved(): Promise<boolean> {
    const { signal } = this.context;
    const { target, to } = this.places;
    const head = await this.area.refresh(signal);
    if (await this.area.isElsewhere(target, signal)) {
      throw new SecureStoreError(
        'LOCKED',
        `the store was about to move from ${this.area.movesTo ?? 'another store URL'} to ${this.places.from}, and is not open there yet`,
        {
          reason: 'incomplete',
          advice: [{ id: 'resume-migration', source: this.area.movesTo, target: this.places.from }],
        },
      );
    }
    if (head.migration === undefined || (head.state !== 'closing' && head.state !== 'moved')) return false;
    if (head.state === 'moved') {
      const { movesTo } = this.area;
      if (movesTo === to) {
        return this.#arrive();
      }
      throw new SecureStoreError('LOCKED', `the store has moved to ${movesTo ?? 'another store URL'}`, {
        reason: 'migrated',
        ...(movesTo !== undefined && { advice: [{ id: 'open-at', url: movesTo }] }),
      });
    }
    if (this.area.movesTo === to && (await this.area.hasLanded(target, signal))) {
      if ((await this.area.leave(head, signal)) === 'done') return this.#arrive();
    }
    await this.area.reopen(signal);
    return false;
  }

  /** The store has left: it is opened at the target. */
  async #arrive(): Promise<true> {
    const { signal } = this.context;
    const { target } = this.places;
    await this.area.arrive(target, signal);
    await this.area.withdrawMarker(target, signal).catch(() => undefined);
    return true;
  }

  /** @param settled whether all processes announce their changes */
  async #copy(consumer: Consumer, occupied: Occupied, instance: string, settled: boolean): Promise<void> {
    const { signal, clock } = this.context;
    const begun = instant(clock);
    const cursor = parseCursor(this.context.cursor, instance);
    if (cursor !== undefined && cursor.after === undefined && !consumer.passDue) return;
    // The target is as it was left, and all changes since are announced.
    if (occupied.head?.head.state === 'moved' && !consumer.passDue) return;
    await this.beginPass('copying', cursor?.after);
    const since = cursor?.since ?? (await this.area.read(HEAD_NAME, { signal }))?.modified ?? 0;
    const isEmpty = !occupied.resumed && occupied.head === undefined;
    const sync = async (listed: Listed, other: Listed | undefined): Promise<void> => {
      await this.#copier.sync(listed, other, 'nothing');
    };
    const copies = this.#sides.walk(sync, { after: cursor?.after, isEmpty });
    for await (const { token, record } of copies) {
      signal.throwIfAborted();
      if (record !== undefined) {
        this.objects += 1;
        this.progress({ done: 1 });
      }
      // What is still being written is not there yet: the cursor follows at a distance.
      if (this.objects % (16 * OBJECTS_AT_ONCE) === 0) {
        await this.#copier.finish();
        await this.context.save({ instance, since, after: token } satisfies Cursor);
      }
    }
    await this.#copier.finish();
    await this.#auditLog.copy();
    await this.copied(consumer, begun, { instance, since, after: undefined }, settled);
  }

  /** Several are on their way at once, so it takes a number, and not what is awaited. */
  #correct(names: number): void {
    this.corrected += names;
  }

  protected async bringAll(tokens: AsyncIterable<string>): Promise<void> {
    const sync = (token: string): Promise<number> => this.#copier.syncToken(token);
    for await (const _ of mapConcurrently(tokens, OBJECTS_AT_ONCE, sync)) this.progress({ done: 1 });
    await this.#copier.finish();
  }

  protected apply(consumer: Consumer): Promise<Applied> {
    return applyChanges(consumer, this.#copier, this.context.signal);
  }

  /** Compares the listings of both sides, copies what differs, and reads everything that was copied. */
  async #compare(consumer: Consumer, occupied: Occupied): Promise<void> {
    const { head } = occupied;
    await this.beginPass('comparing');
    const suspects = await this.#compareListings(head?.head.state === 'moved' ? await this.#sides.leftAt() : undefined);
    await this.#bringInLine(consumer, suspects);
    await this.followHoles(consumer);
    const failed = [...this.tally.failed.keys()];
    for (const name of failed) await this.#retry(name);
    // What this run has copied was decrypted on the way. What was there before was not checked since.
    const layThere = occupied.resumed || occupied.head !== undefined;
    const { findings, found } = await mendCopy((token) => layThere || this.#copier.isUnchecked(token), {
      copier: this.#copier,
      verify: (payloads) => this.#verifyCopy(payloads),
      follow: () => this.follow(consumer, true),
      onCorrected: (names) => this.#correct(names),
    });
    for (const finding of findings) this.tally.fail(failureOf(finding));
    this.tally.untold += found - findings.length;
  }

  /** @param payloads of which objects payloads are read there */
  #verifyCopy(payloads: (token: string) => boolean): Promise<VerifiedRecords> {
    this.progress({ phase: 'verifying', total: this.objects });
    const told = namesToldOf(this.tally.failed);
    const looking = {
      payloads,
      onLooked: () => this.progress({ done: 1 }),
      onBytes: (bytes: number) => this.progress({ bytes }),
      isKnown: ({ name }: Finding) => told.has(name),
    };
    return this.area.copying.verifyCopy(this.places.target, looking, this.context.signal);
  }

  async #retry(name: string): Promise<void> {
    const token = tokenOf(name);
    if (token === undefined) return;
    this.tally.failed.delete(name);
    // The damaged object is at the target, too, by now; other parts of it may be there from before.
    const payload = name.startsWith(AREAS.blobs) ? name.slice(0, name.lastIndexOf('/') + 1) : undefined;
    const again = (part: string): boolean => payload !== undefined && part.startsWith(payload);
    await this.#copier.syncToken(token, this.#copier.trust, again);
  }

  /** @returns what differs */
  async #compareListings(leftAt: number | undefined): Promise<readonly string[]> {
    let objects = 0;
    const suspects = await this.#sides.compare(leftAt, ({ record }) => {
      if (record === undefined) return;
      objects += 1;
      this.progress({ done: 1 });
    });
    this.objects = objects;
    return suspects;
  }

  /** Objects that differ may have changed since the last read of the journal; those that still differ then are findings. */
  async #bringInLine(consumer: Consumer, tokens: readonly string[]): Promise<void> {
    if (tokens.length > 0) {
      await this.follow(consumer, true);
    }
    const sync = (token: string): Promise<number> => this.#copier.syncToken(token);
    for await (const differing of mapConcurrently(tokens, OBJECTS_AT_ONCE, sync)) this.#correct(differing);
    await this.#copier.finish();
  }

  /** @returns how long the store was closed, in milliseconds; `undefined` if other processes came in between */
  async #cutOver(consumer: Consumer, occupied: Occupied): Promise<number | undefined> {
    const { signal, clock } = this.context;
    const { target, to, from } = this.places;
    const places = { target, url: to, source: from };
    const landing = this.area.landing(places, occupied, consumerLabel(this.area.head.instance));
    await this.announce(consumer);
    if (occupied.head?.head.state === 'moved') await this.#clear();
    await landing.prepare(signal);
    await this.#auditLog.copyWhole();
    await this.follow(consumer, true);
    this.progress({ phase: 'switching' });
    const begun = instant(clock);
    const failures = this.tally.failed.size;
    const alarms = this.alarms.size;
    const closed = await this.close();
    if (closed === undefined) return undefined;
    try {
      await this.settleClosed(consumer);
      // All callers wait for this, so it is done side by side.
      await Promise.all([this.#drain(consumer, { failures, alarms }), landing.bring(closed, signal)]);
      const landed = await landing.land(closed, signal);
      if ((await this.area.leave(closed, signal)) !== 'done') return undefined;
      // The store can't be used before it is open at the target, so that interrupts are ignored from here on.
      await this.area.arrive(target, undefined, landed);
      const pause = Math.round(elapsedSince(begun, clock));
      await landing.tidy(signal).catch(() => undefined);
      return pause;
    } catch (error) {
      await this.openAgain(closed);
      throw error;
    }
  }

  /** The last read: no process writes any more. @param before how many failures there were before the store was closed */
  async #drain(consumer: Consumer, before: { readonly failures: number; readonly alarms: number }): Promise<void> {
    const last = async (): Promise<void> => {
      while (await this.take(consumer));
    };
    await Promise.all([last(), this.#auditLog.copyNew()]);
    await this.#copier.finish();
    const isIncomplete = this.tally.failed.size > before.failures && this.options.partial !== true;
    if (!isIncomplete && !consumer.passDue && this.alarms.size === before.alarms) return;
    throw new SecureStoreError(
      'INTEGRITY',
      'damaged or missing objects were found at the moment of the move. The store did not move.',
      {
        advice: [{ id: 'verify-store' }, { id: 'resume-migration', source: this.places.from, target: this.places.to }],
      },
    );
  }

  /** Removes the internal objects of the former instance at the target: the next one is another. */
  async #clear(): Promise<void> {
    const { target } = this.places;
    const { signal } = this.context;
    for (const area of OWN_AREAS) {
      const names: string[] = [];
      for await (const { key } of entriesUnder(target, area, { signal })) names.push(key);
      await checkStays(this.area, signal);
      const remove = (name: string): Promise<void> => target.delete(name, { signal });
      for await (const _ of mapConcurrently(names, OBJECTS_AT_ONCE, remove));
    }
  }
}

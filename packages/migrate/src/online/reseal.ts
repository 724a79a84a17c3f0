import { AREAS, HEAD_NAME, SecureStoreError, tokenOf } from '@securestore/core-format';
import type { JobContext } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { Finding } from '@securestore/objects';
import type {
  Consumer,
  VerifiedRecords,
  VerifyRecordsOptions,
  Missed,
  MigrationArea,
  ReEncryptedCopy,
} from '@securestore/objects/internal';
import { extensionsOf, mapConcurrently } from '@securestore/objects/internal';
import type { Applied } from './changes.ts';
import { failureOf } from './findings.ts';
import type { Cursor, Places } from './migration-run.ts';
import { consumerLabel, hex, MigrationRun, parseCursor } from './migration-run.ts';
import type { ReencryptSettings } from './reseal-settings.ts';
import { StoreAnew } from './store-anew.ts';
import { Tally } from './tally.ts';
import type { MigrationReport, CopyStoreOptions } from './types.ts';

const OBJECTS_AT_ONCE = 8;
const MAX_TRIES = 3;

/** One run of a migration that re-encrypts everything: for another store, with its own identity and encryption keys. */
export class Reseal extends MigrationRun {
  readonly #anew: StoreAnew;
  protected readonly tally: Tally = new Tally([
    'INTEGRITY',
    'ROLLBACK',
    'FORMAT_VERSION',
    'TOO_LARGE',
    'KEY_DESTROYED',
  ]);
  #copy: ReEncryptedCopy | undefined;

  constructor(
    area: MigrationArea,
    places: Places,
    settings: ReencryptSettings,
    options: CopyStoreOptions,
    context: JobContext<unknown>,
  ) {
    super(area, places, options, context);
    const { target, to: url } = places;
    this.#anew = new StoreAnew({ area, target, url, settings, signal: context.signal });
  }

  async run(): Promise<MigrationReport> {
    const { signal } = this.context;
    const { target, to } = this.places;
    this.progress({ phase: 'preparing' });
    const head = await this.area.refresh(signal);
    if (head.state === 'moved') {
      if (this.area.movesTo === to && head.migration?.resealed === true) return this.#arrive(head.migration.instance);
      const { movesTo } = this.area;
      throw new SecureStoreError('LOCKED', `the store has moved to ${movesTo ?? 'another store URL'}`, {
        reason: 'migrated',
        ...(movesTo !== undefined && { advice: [{ id: 'open-at', url: movesTo }] }),
      });
    }
    if (head.state === 'closing') await this.area.reopen(signal);
    const isNew = this.area.head.migration === undefined;
    if (isNew) await this.#anew.askSecret();
    const settled = await this.area.isJournalQuiescent(signal);
    const id = await this.area.begin(to, true, signal);
    const made = await this.area.occupyAnew(target, id, signal);
    if (!made && !isNew) await this.#anew.askSecret();
    await using there = await this.#anew.open(made);
    const area = extensionsOf(there).migration;
    this.#copy = this.area.copying.resealedTo(area.copying);
    const consumer = await this.area.open(consumerLabel(id), ({ message }) => void this.alarms.add(message), signal);
    await this.#copyAll(consumer, hex(id), settled);
    await this.follow(consumer, true);
    await this.#compare(consumer, area, made);
    const isWhole = this.tally.failed.size === 0 || this.options.partial === true;
    if (!isWhole || this.options.copyOnly === true) return this.report(0, false);
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const pause = await this.#cutOver(consumer, area);
      if (pause === undefined) continue;
      await area.withdrawMarker(target).catch(() => undefined);
      this.sealedAnew = area.head;
      return this.report(pause, true);
    }
    throw new SecureStoreError(
      'CONFLICT',
      `the head of the store was changed by other processes at each of ${MAX_TRIES} attempts to move it`,
      { retryable: true, advice: [{ id: 'resume-migration', source: this.places.from, target: to }] },
    );
  }

  readonly #tolerating = (token: string, body: () => Promise<void>): Promise<void> =>
    this.tally.tolerating(`${AREAS.objects}${token}`, body);

  async #bring(token: string): Promise<void> {
    const { signal } = this.context;
    await this.#tolerating(token, async () => {
      const brought = await this.#copy?.bring(token, signal);
      if (brought === undefined) return;
      this.tally.count(brought.versions, brought.bytes);
      this.progress({ bytes: brought.bytes });
    });
  }

  async #copyAll(consumer: Consumer, instance: string, settled: boolean): Promise<void> {
    const { signal, clock } = this.context;
    const begun = instant(clock);
    const cursor = parseCursor(this.context.cursor, instance);
    if (cursor !== undefined && cursor.after === undefined && !consumer.passDue) return;
    await this.beginPass('copying', cursor?.after);
    const since = cursor?.since ?? (await this.area.read(HEAD_NAME, { signal }))?.modified ?? 0;
    const tokens = this.area.copying.tokens(signal);
    const copies = mapConcurrently(tokens, OBJECTS_AT_ONCE, async (token) => {
      if (cursor?.after === undefined || token > cursor.after) await this.#bring(token);
      return token;
    });
    for await (const token of copies) {
      signal.throwIfAborted();
      this.objects += 1;
      if (cursor?.after === undefined || token > cursor.after) this.progress({ done: 1 });
      await this.context.save({ instance, since, after: token } satisfies Cursor);
    }
    await this.copied(consumer, begun, { instance, since, after: undefined }, settled);
  }

  protected async bringAll(tokens: AsyncIterable<string>): Promise<void> {
    for await (const token of tokens) {
      await this.#bring(token);
      this.progress({ done: 1 });
    }
  }

  protected async apply(consumer: Consumer): Promise<Applied> {
    const { changes, alarms, more } = await consumer.poll({ signal: this.context.signal });
    const tokens = new Set(changes.map(({ token }) => token));
    for await (const _ of mapConcurrently(tokens, OBJECTS_AT_ONCE, (token) => this.#bring(token)));
    return { changes: changes.length, alarms: alarms.map(({ message }) => message), more };
  }

  async #isInLine(token: string): Promise<boolean> {
    try {
      return (await this.#copy?.isInLine(token, this.context.signal)) === true;
    } catch (error) {
      // Copying it reports what is wrong with it.
      if (this.tally.tolerates(error)) return false;
      throw error;
    }
  }

  async #compare(consumer: Consumer, there: MigrationArea, made: boolean): Promise<void> {
    const { signal } = this.context;
    await this.beginPass('comparing');
    let objects = 0;
    for await (const token of this.area.copying.tokens(signal)) {
      signal.throwIfAborted();
      objects += 1;
      this.progress({ done: 1 });
      const name = `${AREAS.objects}${token}`;
      if (this.tally.failed.has(name)) await this.#bring(token);
      else if (!(await this.#isInLine(token))) {
        this.corrected += 1;
        await this.#bring(token);
      }
    }
    this.objects = objects;
    this.corrected += (await this.#copy?.dropGone(this.#tolerating, signal)) ?? 0;
    await this.followHoles(consumer);
    this.progress({ phase: 'verifying', total: 2 * this.objects });
    // This run has decrypted what it re-encrypted. What was there before was not checked since.
    const looking = { ...this.#looking, payloads: () => made };
    const seen = await there.copying.verifyHere(looking, signal);
    this.#fail(await this.#verifySource());
    const findings = seen.findings.map((one): Finding => ({
      ...one,
      message: `${one.message} (at ${this.places.to})`,
    }));
    this.#fail({ ...seen, findings });
  }

  #fail({ findings, found }: VerifiedRecords): void {
    this.tally.untold += found - findings.length;
    for (const finding of findings) if (!this.tally.failed.has(finding.name)) this.tally.fail(failureOf(finding));
  }

  get #looking(): VerifyRecordsOptions {
    return {
      onLooked: () => this.progress({ done: 1 }),
      onBytes: (bytes) => this.progress({ bytes }),
    };
  }

  /** Verifies the store, and that the re-encrypted objects are those that were verified. */
  async #verifySource(): Promise<VerifiedRecords> {
    const { signal } = this.context;
    const copy = this.#copy;
    if (copy === undefined) return { findings: [], found: 0 };
    const missed = new Map<string, Missed>();
    const onMissed = (token: string, one: Missed): void => void missed.set(token, one);
    const isKnown = ({ name }: Finding): boolean => this.tally.failed.has(`${AREAS.objects}${tokenOf(name)}`);
    const seen = await this.area.copying.verifySealed(copy, onMissed, { ...this.#looking, isKnown }, signal);
    for (const [token, one] of missed) {
      await this.#bring(token);
      const name = `${AREAS.objects}${token}`;
      // If it is damaged, that is reported.
      if (this.tally.failed.has(name) || (await copy.has(one))) continue;
      const message = 'the object was re-encrypted as another version than the one that was verified';
      this.tally.fail({ name, code: 'ROLLBACK', message });
    }
    return seen;
  }

  /** @returns how long the store was closed, in milliseconds; `undefined` if other processes came in between */
  async #cutOver(consumer: Consumer, there: MigrationArea): Promise<number | undefined> {
    const { signal, clock } = this.context;
    await this.announce(consumer);
    await this.follow(consumer, true);
    this.progress({ phase: 'switching' });
    const begun = instant(clock);
    const failures = this.tally.failed.size;
    const closed = await this.close();
    if (closed === undefined) return undefined;
    try {
      await this.settleClosed(consumer);
      while (await this.take(consumer));
      await this.#copy?.bringUnnamed(this.#tolerating, signal);
      const isIncomplete = this.tally.failed.size > failures && this.options.partial !== true;
      if (isIncomplete || consumer.passDue) {
        throw new SecureStoreError(
          'INTEGRITY',
          'damaged objects were found at the moment of the move. The store did not move.',
          {
            advice: [
              { id: 'verify-store' },
              { id: 'resume-migration', source: this.places.from, target: this.places.to },
            ],
          },
        );
      }
      if ((await this.area.leave(closed, signal)) !== 'done') return undefined;
      // From here on the store is at the target, and the next run opens it. It can't be used before, so that interrupts are ignored.
      await there.openAnew(this.area);
      return Math.round(elapsedSince(begun, clock));
    } catch (error) {
      await this.openAgain(closed);
      throw error;
    }
  }

  /** In an earlier run the store has left; at the target it may not have been opened. */
  async #arrive(id: Uint8Array): Promise<MigrationReport> {
    const { signal } = this.context;
    const { target } = this.places;
    await using there = await this.#anew.openLeftFor();
    const area = extensionsOf(there).migration;
    if (await this.area.isTakenAnew(target, id, signal)) {
      if (area.head.state === 'scratch') await area.openAnew(this.area, signal);
      await area.withdrawMarker(target, signal);
      this.sealedAnew = area.head;
    }
    return this.report(0, true);
  }
}

import { generateKeyPairSync } from 'node:crypto';
import type { AuditLink } from '@securestore/core-format';
import { asBuffer, lazyPart, SecureStoreError } from '@securestore/core-format';
import { identityPublicKey, signAs } from '@securestore/crypto';
import type { Attempted } from '../entry/attempted.ts';
import { eventOf, outcomeOf, unrecorded } from '../entry/attempted.ts';
import type { AuditLog } from './audit-log.ts';
import type { SinkOptions } from '../sink/outputs.ts';
import type { AuditArea, AuditSettings } from '../store/place.ts';
import type { AuditEvent } from '../entry/redact.ts';
import type { SinkAlert, SinkStats } from '../sink/sink-queue.ts';

// Most stores are not audited.
const loadLog = lazyPart('the audit log', () => import('./log-work.ts'));

export interface RecorderOptions {
  /** Where the log goes beside the store. */
  readonly sinks?: readonly SinkOptions[] | undefined;
  /** Patterns of the keys whose names are kept in clear: `**` is all of them. Default none. */
  readonly clearKeys?: readonly string[] | undefined;
  /** Is told when a sink gets worse or better, or a segment can't be begun. */
  readonly onAlert?: ((alert: SinkAlert | AuditOpeningFailure) => void) | undefined;
}

/** A segment of the log could not be begun: what was to be recorded is lost. */
export interface AuditOpeningFailure {
  readonly event: 'not opened';
  readonly error: SecureStoreError;
  /** Entries that are lost. */
  readonly lost: number;
}

/** A segment that is being written, or begun. */
interface Segment {
  settings: AuditSettings;
  log: AuditLog | undefined;
  readonly opening: Promise<AuditLog>;
  /** What is to be recorded as soon as it has begun. */
  early: AuditEvent[];
  /** How many found no room there. */
  missed: number;
  /** How many more are to be recorded then, for which somebody waits. */
  waiting: number;
}

/** How many entries may wait for a segment to begin. */
const MAX_EARLY = 10_000;

/** Records what is done with a store, as the store says that it is to be recorded at the time. */
export class Recorder {
  readonly #place: AuditArea;
  readonly #options: RecorderOptions;
  #segment: Segment | undefined;
  /** Segments that are no longer written to, until they are closed. */
  readonly #closing = new Set<Promise<void>>();
  #closed = false;

  constructor(place: AuditArea, options: RecorderOptions = {}) {
    this.#place = place;
    this.#options = options;
    place.follow(() => this.#end());
    place.onClose(() => this.close());
  }

  #end(): (AuditLink & { readonly previous: readonly AuditLink[] }) | undefined {
    const log = this.#segment?.log;
    const written = log?.written;
    return log && written && { ...written, previous: log.previous };
  }

  /** The ids of the segments that this process writes. */
  get running(): readonly Uint8Array[] {
    const log = this.#segment?.log;
    return log === undefined ? [] : [log.end.segment];
  }

  /** What became of the entries of the present segment, for each sink. */
  get stats(): readonly SinkStats[] {
    return this.#segment?.log?.stats ?? [];
  }

  /**
   * Runs what somebody tries, and records what became of it, as the store is audited at the time. In `fail-closed` the answer waits until
   * the entry is durable.
   *
   * @throws SecureStoreError what `run` throws; in `fail-closed` `UNAVAILABLE` and others where it can't be recorded: before
   *   anything was done where that is known then; else with `outcome: 'unknown'` where something may have been changed, and
   *   without a word of whether it was done, denied or failed
   */
  async attempt<T>(about: Attempted, run: () => Promise<T>): Promise<T> {
    const settings = this.#settings;
    const begun = performance.now();
    let isBegun = false;
    let value: T;
    try {
      const ready = about.evenUnrecorded === true ? undefined : this.ready();
      if (ready !== undefined) await ready;
      isBegun = true;
      value = await run();
    } catch (error) {
      const { outcome, reason } = outcomeOf(error, about);
      const recorded = this.#note(eventOf(about, outcome, reason, begun), settings)?.catch((failure: unknown) => {
        // That nothing was begun says nothing of what would have become of it.
        const isTold = !isBegun || (about.evenUnrecorded === true && outcome !== 'denied');
        if (!isTold) throw unrecorded(failure, about);
      });
      if (about.beforeRecorded !== true || outcome === 'denied') await recorded;
      throw error;
    }
    const recorded = this.#note(eventOf(about, 'allowed', about.reason, begun), settings)?.catch((error: unknown) => {
      if (about.evenUnrecorded !== true) throw unrecorded(error, about);
    });
    if (recorded !== undefined && about.beforeRecorded !== true) await recorded;
    return value;
  }

  /**
   * To be asked before something is done that is recorded afterwards.
   *
   * @throws SecureStoreError in `fail-closed` what keeps it from being recorded: nothing is to be done then
   */
  ready(): Promise<void> | undefined {
    const settings = this.#settings;
    return settings?.mode === 'fail-closed' ? this.#checkReady(settings) : undefined;
  }

  /** As the store is audited now, by this process; members don't write to the log. */
  get #settings(): AuditSettings | undefined {
    return this.#place.canWrite ? this.#place.settings : undefined;
  }

  /** Whether anything is recorded now. */
  get active(): boolean {
    return this.#settings !== undefined;
  }

  /** Records what was found out of the way of any attempt, such as what was done with a key. Nobody waits for it. */
  note(event: AuditEvent): void {
    this.#note(event, undefined, false)?.catch(() => undefined);
  }

  async #checkReady(settings: AuditSettings): Promise<void> {
    const { log, opening } = this.#segmentFor(settings);
    (log ?? (await opening)).checkReady();
  }

  /**
   * @param begun how the store was audited when it was begun: also what switches that off is recorded, and what ends after it
   * @param waits whether somebody waits for room in the log
   * @returns what the answer has to wait for
   */
  #note(event: AuditEvent, begun?: AuditSettings, waits = true): Promise<void> | undefined {
    const settings = this.#settings ?? begun;
    if (settings === undefined || this.#closed) {
      this.#endSegment();
      return undefined;
    }
    const segment = this.#segmentFor(settings);
    const { log } = segment;
    if (log === undefined) return this.#early(segment, settings, event, waits);
    if (settings.mode === 'fail-closed') return log.record(event);
    if (waits) return log.addInTurn(event);
    log.add(event);
    return undefined;
  }

  #early(segment: Segment, { mode }: AuditSettings, event: AuditEvent, waits: boolean): Promise<void> | undefined {
    const timed = { ...event, time: event.time ?? this.#place.clock.now() };
    if (mode === 'fail-closed') return segment.opening.then((log) => log.record(timed));
    if (waits && segment.early.length * 2 > MAX_EARLY) {
      segment.waiting++;
      return segment.opening.then((log) => log.addInTurn(timed)).catch(() => undefined);
    }
    if (segment.early.length < MAX_EARLY) segment.early.push(timed);
    else segment.missed++;
    return undefined;
  }

  #segmentFor(settings: AuditSettings): Segment {
    const current = this.#segment;
    if (current !== undefined) {
      if (current.settings === settings) return current;
      const isSame =
        current.settings.mode === settings.mode && asBuffer(current.settings.auditor).equals(settings.auditor);
      if (isSame) {
        current.settings = settings;
        return current;
      }
      this.#endSegment();
    }
    const opening = this.#open(settings);
    const segment: Segment = { settings, log: undefined, opening, early: [], missed: 0, waiting: 0 };
    this.#segment = segment;
    opening.then(
      (log) => this.#begun(segment, log),
      (error: unknown) => this.#failed(segment, error),
    );
    return segment;
  }

  #begun(segment: Segment, log: AuditLog): void {
    segment.log = log;
    const { early } = segment;
    segment.early = [];
    for (const event of early) void log.addInTurn(event);
    if (segment.missed > 0) log.missed(segment.missed);
  }

  /** The next attempt tries again. */
  #failed(segment: Segment, cause: unknown): void {
    if (this.#segment === segment) this.#segment = undefined;
    const error = SecureStoreError.is(cause)
      ? cause
      : new SecureStoreError('INTERNAL', 'the audit log could not be opened', { cause });
    const { early, missed, waiting } = segment;
    try {
      this.#options.onAlert?.({ event: 'not opened', error, lost: early.length + missed + waiting });
    } catch {
      // Whoever is told must not keep anybody from anything.
    }
  }

  async #open({ auditor, mode }: AuditSettings): Promise<AuditLog> {
    const { sinks = [], clearKeys, onAlert } = this.#options;
    const place = this.#place;
    const { instanceId, clock, nameKey } = place;
    const { AuditLog: Log, certifyAuditKey, StoreSink } = await loadLog();
    // Of this run alone: whoever gets hold of it later signs no header of an earlier run.
    const { privateKey } = generateKeyPairSync('ed25519');
    const asStore = (use: string, bytes: Uint8Array): Uint8Array => place.sign(use, bytes);
    const certificate = await certifyAuditKey(asStore, instanceId, identityPublicKey(privateKey), clock.now());
    return Log.open({
      instanceId,
      auditor,
      mode,
      nameKey,
      hashNames: (names) => place.hashNames(names),
      clearKeys,
      certificate,
      clock,
      onAlert,
      sign: (use, bytes) => signAs(privateKey, use, bytes),
      sinks: [{ sink: new StoreSink(place) }, ...sinks],
      previous: await place.trustedEnds(),
      random: (length) => place.random(length),
    });
  }

  #endSegment(): void {
    const segment = this.#segment;
    if (segment === undefined) return;
    this.#segment = undefined;
    // What could not be written in time has been told to `onAlert`.
    const closing = segment.opening.then((log) => log.close()).catch(() => undefined);
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }

  /** Writes what waits and ends the segment. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const segment = this.#segment;
    // Until it is closed it says how far it is.
    await segment?.opening.then((log) => log.close()).catch(() => undefined);
    await Promise.all(this.#closing);
  }
}

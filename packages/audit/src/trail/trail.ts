import type { AuditEntry } from '@securestore/core-format';
import { encodeBase32, lazyPart, SecureStoreError } from '@securestore/core-format';
import { formatRecipient, readRecipient } from '@securestore/crypto';
import type { UnlockSecretMethod } from '@securestore/crypto';
import type { TrailExamination } from '../store/examine.ts';
import type { KnownSegments } from '../store/known-segments.ts';
import type { AuditArea, AuditSettings, CallOptions } from '../store/place.ts';
import { Recorder } from '../record/recorder.ts';
import type { RecorderOptions } from '../record/recorder.ts';
import { clearName, nameHash } from '../entry/redact.ts';
import type { AuditFinding, AuditReport } from '../verify/report.ts';
import type { SinkStats } from '../sink/sink-queue.ts';
import type { DamagedPart } from '../store/store-lines.ts';
import type { TailOptions } from './tail-types.ts';

const loadWork = lazyPart('the audit log', () => import('./trail-work.ts'));

/** How a store is to be audited. */
export interface EnableAuditOptions extends CallOptions {
  /** Whose identity will be needed to verify the log, as `recipientOf` gives it: of a person who does not run the store. */
  readonly auditor: string;
  /** Default `batched`. */
  readonly mode?: AuditSettings['mode'] | undefined;
}

/** Whether a store is audited, and what became of the entries of this process. */
export interface AuditStatus {
  readonly on: boolean;
  /** The recipient of the auditor. */
  readonly auditor?: string;
  readonly mode?: AuditSettings['mode'];
  /**
   * The uses of the store, as it is now, that the log cannot hold: `members`, whose processes do not have the key that signs the log, and
   * `backups`, which are read and restored elsewhere without the store.
   */
  readonly notRecorded?: readonly ('members' | 'backups')[];
  readonly sinks: readonly SinkStats[];
}

/** Whether and how a store is audited, whichever process asks. */
export type AuditState = Omit<AuditStatus, 'sinks'>;

export interface VerifyTrailOptions extends CallOptions {
  /** The auditor's identity, present and former ones, as `identity` or `identityFile` gives them. */
  readonly auditor: UnlockSecretMethod | readonly UnlockSecretMethod[];
}

export interface EntriesOptions extends TailOptions, CallOptions {
  /**
   * The name of an object, or the prefix of a listing: then `entries` counts those about it alone, and the whole log is read to find
   * them.
   */
  readonly object?: string | undefined;
}

/** An entry that lies in a store; nothing of it is verified. */
export interface TrailEntry extends AuditEntry {
  readonly segment: string;
}

/** The audit log of a store: who tried what, with which outcome. The first call that reads the log loads the code for it. */
export class AuditTrail {
  readonly #place: AuditArea;
  readonly #recorder: Recorder;
  /** What was seen of the log, so that who asks again reads what is new alone. */
  #known: KnownSegments | undefined;

  constructor(place: AuditArea, options: RecorderOptions = {}) {
    this.#place = place;
    this.#recorder = new Recorder(place, options);
  }

  /** What records attempts. */
  get recorder(): Recorder {
    return this.#recorder;
  }

  /** As it is known now. */
  get status(): AuditStatus {
    return { ...this.#state(), sinks: this.#recorder.stats };
  }

  /** Whether and how the store is audited, as its newest head says. */
  state(options: CallOptions = {}): Promise<AuditState> {
    return this.#place.inTime('audit.state', options, async (signal) => {
      await this.#place.refresh(signal);
      return this.#state();
    });
  }

  #state(): AuditState {
    const { settings } = this.#place;
    const { notRecorded } = this.#place;
    // A log from before is there still, if the store is not audited any more.
    if (settings === undefined) return { on: false, notRecorded };
    return { on: true, auditor: formatRecipient(settings.auditor), mode: settings.mode, notRecorded };
  }

  /**
   * Has the store audited from now on: at once in this process, within five seconds in others.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT`, `CONFLICT` if others change the store again and again, `LOCKED`
   */
  async enable({ auditor, mode = 'batched', ...options }: EnableAuditOptions): Promise<void> {
    await this.#place.enable({ auditor: await readRecipient(auditor), mode }, options);
  }

  /** Has the store audited no longer; the log stays. @throws SecureStoreError `CONFLICT`, `LOCKED` */
  disable(options?: CallOptions): Promise<void> {
    return this.#place.disable(options);
  }

  /**
   * The hash by which entries name an object, 16 bytes.
   *
   * @throws SecureStoreError `UNSUPPORTED` if the store was never audited, `ACCESS_DENIED` for a member to whom the log was not granted,
   *   `INTEGRITY` if the keys of the log were removed
   */
  hashOf(key: string): Uint8Array {
    return this.#place.hashNames([key])[0] ?? nameHash(this.#place.nameKey, key);
  }

  /**
   * Verifies the log against the signed head of the store and what is remembered outside of it.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` if the identity is none, `UNSUPPORTED` if the store was never audited,
   *   `INTEGRITY` if the keys of the log were removed, what the backend throws. What else it finds is no error: it is in the report.
   */
  verify({ auditor, ...options }: VerifyTrailOptions): Promise<AuditReport> {
    return this.#place.inTime('audit.verify', options, (signal) => this.#verify(auditor, signal));
  }

  async #verify(auditor: VerifyTrailOptions['auditor'], signal: AbortSignal | undefined): Promise<AuditReport> {
    await this.#refreshed(signal);
    const methods = Array.isArray(auditor)
      ? (auditor as readonly UnlockSecretMethod[])
      : [auditor as UnlockSecretMethod];
    if (methods.some((method) => method?.type !== 'recipient')) {
      throw new SecureStoreError('INVALID_ARGUMENT', 'the option "auditor" must be identities of the auditor', {
        option: 'auditor',
      });
    }
    const { sameLinesAt, verifyLog } = await loadWork();
    const auditorKeys = await Promise.all(methods.map((method) => method.secret()));
    const damaged = new Map<string, DamagedPart>();
    try {
      const report = await verifyLog({
        lines: sameLinesAt(this.#place, (part) => void damaged.set(part.name, part), signal),
        auditorKeys,
        identity: this.#place.identity,
        instanceIds: this.#place.instanceIds,
        heads: await this.#place.trustedEnds(),
        running: this.#recorder.running,
      });
      return withDamage(report, [...damaged.values()]);
    } finally {
      for (const key of auditorKeys) key.fill(0);
    }
  }

  /**
   * Looks at the log without the key of the auditor: whether its newest parts are whole and in their order, and whether it goes as
   * far as the signed head of the store says. It takes a bounded number of readings.
   *
   * @throws SecureStoreError as {@link lines}, but for damage, which is in the result
   */
  examine(options: CallOptions = {}): Promise<TrailExamination> {
    return this.#place.inTime('audit.examine', options, async (signal) => {
      await this.#refreshed(signal);
      const { examineTrail } = await loadWork();
      return examineTrail(this.#place, signal);
    });
  }

  /**
   * The lines of the log, as a file sink would have written them: of the newest segment first, and of each in its order. `verifyLog`
   * takes them.
   *
   * @throws SecureStoreError `UNSUPPORTED` if the store was never audited, `ACCESS_DENIED` for a member to whom the log was not granted,
   *   `INTEGRITY` if its keys were removed, and for a part that can't be read, unless `onDamaged` is told of it
   */
  lines({ onDamaged = refuse, ...options }: CallOptions & Pick<TailOptions, 'onDamaged'> = {}): AsyncGenerator<string> {
    return this.#place.stepsInTime('audit.lines', options, (signal) => this.#lines(onDamaged, signal));
  }

  async *#lines(onDamaged: (part: DamagedPart) => void, signal: AbortSignal | undefined): AsyncGenerator<string> {
    await this.#refreshed(signal);
    const { linesAt } = await loadWork();
    yield* linesAt(this.#place, onDamaged, { signal });
  }

  /** The newest entries, in the order of their times. @throws SecureStoreError as {@link lines} */
  entries({ entries, object, before, onDamaged, onCut, ...options }: Omit<EntriesOptions, 'follow'> = {}): Promise<
    TrailEntry[]
  > {
    return this.#place.inTime('audit.entries', options, (signal) =>
      Array.fromAsync(this.#tail({ entries, object, before, onDamaged, onCut, signal })),
    );
  }

  /**
   * The newest entries, and with `follow` those that come: until `signal` aborts, which then is no error, or `timeout` ends it.
   *
   * @throws SecureStoreError as {@link lines}
   */
  async *tail({ signal: stop, timeout, ...options }: EntriesOptions = {}): AsyncGenerator<TrailEntry> {
    const steps = (signal: AbortSignal | undefined): AsyncGenerator<TrailEntry> => this.#tail({ ...options, signal });
    try {
      yield* this.#place.stepsInTime('audit.tail', { signal: stop, timeout }, steps);
    } catch (error) {
      const isEnd = SecureStoreError.is(error, 'ABORTED') || SecureStoreError.is(error, 'TIMEOUT');
      if (options.follow !== true || stop?.aborted !== true || !isEnd) throw error;
    }
  }

  async *#tail({ object, ...options }: EntriesOptions): AsyncGenerator<TrailEntry> {
    await this.#refreshed(options.signal);
    const matches = object === undefined ? undefined : this.#about(object);
    const { KnownSegments: Known, tailOf } = await loadWork();
    this.#known ??= new Known();
    for await (const { segment, entry } of tailOf(this.#place, this.#known, options, matches)) {
      yield { ...entry, segment: encodeBase32(segment) };
    }
  }

  /** Tells which entries are about an object, by its hash or its name in clear. */
  #about(key: string): (entry: AuditEntry) => boolean {
    const hash = this.hashOf(key);
    const name = clearName(key);
    return ({ object }) => {
      if (object === undefined) return false;
      return 'name' in object ? object.name === name : Buffer.compare(object.hash, hash) === 0;
    };
  }

  async #refreshed(signal: AbortSignal | undefined): Promise<void> {
    await this.#place.refresh(signal);
    this.#place.checkReadable();
  }
}

function refuse({ message }: DamagedPart): never {
  throw new SecureStoreError('INTEGRITY', message);
}

/** What can't be opened is named beside what follows from its absence. */
function withDamage(report: AuditReport, damaged: readonly DamagedPart[]): AuditReport {
  const problems = damaged.map(({ name, message }): AuditFinding => {
    const segment = name.split('/')[1]?.split('-')[1] ?? '';
    return { kind: 'edited', segment, message };
  });
  return { ...report, ok: report.ok && problems.length === 0, findings: [...problems, ...report.findings] };
}

import type { SecureStoreError } from '@securestore/core-format';
import type { Clock } from './clock.ts';

/** How far a job is. `done`, `total` and `bytes` count within the phase. */
export interface JobProgress {
  /** What is being done now. `waiting` until it is certain that no other process runs the job. */
  readonly phase: string;
  /** Items done in this phase, by earlier runs too as far as their cursor says. */
  readonly done: number;
  /** Items that this phase has, if that is known: never fewer than `done`. */
  readonly total?: number;
  readonly bytes: number;
  /** Items per second over about the last ten seconds. */
  readonly rate: number;
  /**
   * Milliseconds until the phase is done: as planned, if the work keeps to a pace of its own; else at the present rate, if
   * `total` is known and something was done.
   */
  readonly eta?: number;
}

/**
 * Long work under way: a promise of its report that can be watched and cancelled. An `async` function can't return one:
 * it would return its report.
 *
 * The promise rejects with
 * - `ABORTED` when the job was cancelled (`TIMEOUT` if a signal of `AbortSignal.timeout` did it). The work has then
 *   stopped, and can be resumed;
 * - `LOCKED` when another process runs the job, or has taken it over;
 * - `CONFLICT` when the unfinished job under this id is another one that it does not replace, or its state was removed while it ran;
 * - whatever the work itself threw. The job can be resumed.
 */
export interface Job<R> extends PromiseLike<R> {
  readonly id: string;
  /**
   * The progress now, then the latest value whenever it has changed; ends with the job, also with one that fails. Any
   * number of readers, each as slow as it likes: values in between are left out.
   */
  readonly progress: AsyncIterable<JobProgress>;
  /** Asks the work to stop. The promise then rejects with `ABORTED`, unless the work was finished first. */
  cancel(reason?: string): void;
  catch<T = never>(onRejected?: ((reason: unknown) => T | PromiseLike<T>) | null): Promise<R | T>;
  finally(onFinally?: (() => void) | null): Promise<R>;
}

/** What {@link JobStorage.read} found. */
export interface StoredState {
  readonly state: Uint8Array;
  /** Differs from that of every other state that this job ever had. */
  readonly etag: string;
  /** When it was written, in milliseconds by the clock of the backend. */
  readonly modified: number;
  /** The time of that clock when it was read; left out if the backend doesn't tell. */
  readonly now?: number;
}

/** Where jobs keep what they need to go on. A state has at most 64 KiB. */
export interface JobStorage {
  /** `undefined` if there is none. */
  read(id: string): Promise<StoredState | undefined>;
  /** @throws SecureStoreError `CONFLICT` if the condition fails; any code with `outcome: 'unknown'` */
  write(
    id: string,
    state: Uint8Array,
    condition: { readonly ifAbsent: true } | { readonly ifMatch: string },
  ): Promise<{ readonly etag: string }>;
  /** @throws SecureStoreError `CONFLICT` if the etag is another one */
  remove(id: string, etag: string): Promise<void>;
  /** The ids of all jobs, in any order. */
  list(): AsyncIterable<string>;
}

/** What the work is. What it needs beside its parameters it closes over. */
export interface JobKind<P, R> {
  /** 1 to 40 of `a-z`, `0-9` and, inside, `-`. Kept with the job, so it never changes its meaning. */
  readonly name: string;
  /**
   * Does the work. To return is to have finished it; what stops early throws, which `signal.throwIfAborted()` and
   * `save` do by themselves. Another run may be under way at the same time (a process that slept, and the one that
   * took over), and what came after the cursor is done again by the next run: neither may do harm.
   */
  run(context: JobContext<P>): Promise<R>;
  /**
   * Checks parameters that come from the storage.
   *
   * @throws SecureStoreError `INTEGRITY`
   */
  parse(parameters: unknown): P;
  /**
   * Where the owner of the work keeps account of it, in a place that is worth more trust than the state of the job: the
   * parameters of what is under way, `undefined` if nothing is. A state of anything else that no process runs is then old: it is
   * neither listed nor resumed, and is replaced by a start. What is under way can be resumed without a state.
   *
   * For kinds of which one job at a time exists.
   */
  readonly underWay?: () => Promise<P | undefined>;
  /**
   * With `false`, a run leaves no state however it ends, since it is begun again and never resumed. Only a process that was killed leaves
   * one. Default `true`.
   */
  readonly resumable?: boolean;
  /** Whether a failure leaves no state, since every later run would fail in the same way. By default none does. */
  readonly isFinal?: ((error: SecureStoreError) => boolean) | undefined;
  /**
   * Whether a run continues though its state could not be written for a reason that trying again does not mend by itself. It may be taken over
   * meanwhile, and ends once that shows. By default none does.
   */
  readonly outlasts?: ((error: SecureStoreError) => boolean) | undefined;
}

/** What counts towards the progress. */
export interface ProgressUpdate {
  /** Another name than before begins a phase: `done` and `bytes` are 0 again, `total` is unknown. At most 64 characters. */
  readonly phase?: string;
  /** The items of this phase. */
  readonly total?: number;
  /** Items done since the last call; 0 or more. As a phase begins, those of it that were done before. */
  readonly done?: number;
  /** Bytes since the last call; 0 or more. */
  readonly bytes?: number;
  /** In how many milliseconds this phase is to be done, if it keeps to a pace: what was done so far is no measure then. */
  readonly eta?: number;
}

/** What a run of a job works with. */
export interface JobContext<P> {
  readonly id: string;
  readonly parameters: P;
  /** What the run before saved last; `undefined` if it saved nothing. JSON, not checked yet. */
  readonly cursor: unknown;
  /** Aborts when the job is cancelled, by this process or another, and when its lease is lost. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /**
   * Adds to the progress. Cheap: may be called for each item.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT`
   */
  readonly progress: (update: ProgressUpdate) => void;
  /**
   * Remembers from where the next run continues, and the progress with it. Without `now` it resolves at once, and is
   * written about once a second and when the job stops; with `now` it resolves when it is written.
   *
   * It is stored as it is: never put a secret into it, or a name that the storage isn't meant to know.
   *
   * @param cursor JSON of at most 40 KiB
   * @throws SecureStoreError `TOO_LARGE`, `INVALID_ARGUMENT` if it isn't JSON; the reason of the signal once it has
   *   aborted (the cursor is remembered all the same); with `now`, what the storage threw
   */
  readonly save: (cursor: unknown, options?: { readonly now?: boolean }) => Promise<void>;
}

/**
 * A job whose stored state can't be read. One that is damaged is replaced when the job is started again; forgetting it
 * removes the state, whatever it is.
 */
export interface DamagedJob {
  readonly id: string;
  readonly kind?: undefined;
  readonly state: 'damaged';
  /** Milliseconds since 1970 by the clock of the backend. */
  readonly updated: number;
  /** `FORMAT_VERSION` if a newer release has left the job unfinished. */
  readonly error: 'INTEGRITY' | 'FORMAT_VERSION';
}

/** A job that is not finished, and what is known of it. */
export type JobSummary = UnfinishedJob | DamagedJob;

/** A job that is not finished. */
export interface UnfinishedJob {
  readonly id: string;
  readonly kind: string;
  /**
   * No process runs `interrupted` jobs: they were cancelled, failed, or their process died. That a process died shows 15 s
   * later; if the backend doesn't tell its time, in a list made 15 s after the first one.
   */
  readonly state: 'running' | 'cancelling' | 'interrupted';
  /** As last written, at most about five seconds ago while it runs; without rates, which only the runner knows. */
  readonly progress: Omit<JobProgress, 'rate' | 'eta'>;
  /** Milliseconds since 1970 by the clock of the process that started it. */
  readonly started: number;
  /** Milliseconds since 1970 by the clock of the backend. */
  readonly updated: number;
  /** The error code with which the last run ended: `ABORTED` if it was cancelled. */
  readonly error?: string;
}

export interface StartOptions {
  /** Done before there is a state: what it throws leaves none. */
  readonly before?: (signal: AbortSignal) => Promise<void>;
  /** 1 to 64 of `a-z`, `0-9` and, inside, `-`. By default the name of the kind, so that one job of a kind exists at a time. */
  readonly id?: string;
  /** Cancels the job. */
  readonly signal?: AbortSignal;
  /** With `false`, a new job beside all others, with a random id. Not together with `id`. */
  readonly exclusive?: boolean;
  /**
   * Takes the place of an unfinished job under the id that no process runs, also of another kind or with other parameters, instead of
   * rejecting with `CONFLICT`. For a job that leaves nothing to do for the one before.
   */
  readonly replace?: boolean;
}

export interface ResumeOptions {
  /** Cancels the job. */
  readonly signal?: AbortSignal;
}

export interface JobsOptions {
  readonly storage: JobStorage;
  readonly clock: Clock;
  /** Random bytes of a good source; for ids alone. */
  readonly random: (length: number) => Uint8Array;
}

import type { CallOptions } from '@securestore/objects';
/** How far a destination has got. */
export interface ContinuousStatus {
  /** Whatever was acknowledged before this can be restored, by the clock of the store's backend; absent before the first point. */
  readonly recoverableTo?: Date;
  /** How long ago that was, in milliseconds by the clock of this process. */
  readonly lag?: number;
  /** How far the servers of the store's backend may disagree about the time, in milliseconds. */
  readonly skew: number;
  readonly recoveryPoints: number;
  readonly versions: number;
  readonly bytes: number;
  /** Why the last attempt failed; absent if it did not. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly findings: readonly string[];
}

export interface ContinuousOptions {
  /** Milliseconds from one cut to the next, a whole number from 1; by default 250 if the backend's clock is fine enough, else 1,000. */
  readonly interval?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told after every point, and of every failure. What it throws is ignored. */
  readonly onStatus?: ((status: ContinuousStatus) => void) | undefined;
}

/** What happens to a write while the destination can't be reached. */
export type Unreachable = 'refuse' | 'degrade';

export interface SynchronousOptions {
  /**
   * `refuse`, the default: the write fails with `UNAVAILABLE`; `degrade`: it is acknowledged all the same, and `onAlert` is told that it
   * can be lost.
   */
  readonly unreachable?: Unreachable | undefined;
  readonly onAlert?: ((message: string) => void) | undefined;
}

export interface ContinuousBackupOptions extends CallOptions, Omit<ContinuousOptions, 'signal'> {
  /** Has writes of this process wait until they are backed up, too: then nothing that was acknowledged can be lost with the store. */
  readonly synchronous?: boolean | SynchronousOptions | undefined;
}

/** A continuous backup under way. It ends with the store. */
export interface ContinuousBackup extends AsyncDisposable {
  readonly status: ContinuousStatus;
  /** Resolves when it has ended. Rejects with why it ended by itself, where no repetition would have helped, such as `ACCESS_DENIED`. */
  readonly ended: Promise<void>;
  /** Resolves when everything that was acknowledged before the call can be restored. @throws `UNAVAILABLE`, and what keeps it from that */
  caughtUp(): Promise<void>;
  /** Ends it, after what is under way. @throws why it had ended before, where it had */
  close(): Promise<void>;
}

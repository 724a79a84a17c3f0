/** How far a destination has got. */
export interface ContinuousStatus {
  /** Whatever was acknowledged before this can be restored, by the clock of the store's backend; absent before the first point. */
  readonly recoverableTo?: Date;
  /** How long ago that was, in milliseconds by the clock of this process. */
  readonly lag?: number;
  /** How far the servers of the store's backend may disagree about the time, in milliseconds. */
  readonly skew: number;
  readonly points: number;
  readonly versions: number;
  readonly bytes: number;
  /** Why the last attempt failed; absent where it did not. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly alarms: readonly string[];
}

export interface ContinuousOptions {
  /** Milliseconds from one cut to the next, a whole number from 1; by default 250 where the backend's clock is fine enough, else 1,000. */
  readonly interval?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told after every point, and of every failure. What it throws is ignored. */
  readonly onStatus?: ((status: ContinuousStatus) => void) | undefined;
}

/** A moment of a backup: at most one of the two. Without, the newest. */
export interface Point {
  /** ISO 8601. */
  readonly at?: string;
  readonly snapshot?: number;
  /** The time of the snapshot, to be shown. */
  readonly time?: string;
}

/** What is to be restored. */
export type Chosen =
  | { readonly type: 'nothing' }
  | { readonly type: 'everything' }
  | { readonly type: 'prefix'; readonly prefix: string }
  | { readonly type: 'keys'; readonly keys: readonly string[] };

/** What is done where something else is by now. */
export type Conflict = 'fail' | 'skip' | 'newer' | 'overwrite' | 'rename';

/** Where it is restored to. */
export type Target =
  | { readonly type: 'place'; readonly deleteExtra: boolean }
  | { readonly type: 'prefix'; readonly into: string }
  | { readonly type: 'store'; readonly to: string }
  | { readonly type: 'download' };

/** A recovery as far as it is thought out. */
export interface Draft {
  readonly destination?: string;
  readonly point: Point;
  readonly chosen: Chosen;
  readonly target: Target;
  readonly conflict: Conflict;
}

import type { StorageBackend } from '@securestore/backend-api';
import type { CallOptions, PassCounts, ForeignObject } from '@securestore/objects';
import type { PassFinding } from '@securestore/objects/internal';

/**
 * Runs `body` with a copy of the store, as a backend that is only read.
 *
 * `lost` tells the objects in it that the store has lost, without a trace, by their tokens: they are restored, too. None that may have been
 * deleted may be among them.
 */
export type RepairSource = <T>(
  body: (copy: StorageBackend, lost?: AsyncIterable<string>) => Promise<T>,
  signal: AbortSignal,
) => Promise<T>;

/** Something that was wrong, and whether it was put right. */
export type ScrubFinding = PassFinding;

export interface ScrubOptions extends CallOptions {
  /** How many bytes are read a second at most, from 1; by default as many as there are. */
  readonly rate?: number | undefined;
  /**
   * Has the pass take this long, in milliseconds up to ten years, and no longer: it is spread evenly, as far as `rate` allows. By default it goes as
   * fast as it can. The health of the store then expects everything to be scrubbed again within that time.
   */
  readonly within?: number | undefined;
  /** Whether payloads of large objects are read too, and not only whether all their parts are there. Default `true`. */
  readonly payloads?: boolean | undefined;
  /** Where what is wrong is put right from: a copy of the store, or what the program that opened it takes for one. */
  readonly repair?: RepairSource | string | undefined;
}

/** What a scrub came to. */
export interface ScrubReport extends PassCounts {
  /** Whether nothing is wrong, or is any more. */
  readonly ok: boolean;
  readonly started: Date;
  readonly ended: Date;
  /** How long it was at work, in milliseconds: without the time between a run that was interrupted and the next one. */
  readonly took: number;
  /**
   * The checkpoint that the store was held against at the end. Without one, only damage shows: not that an object is older than it
   * was, nor that it is gone.
   */
  readonly baseline?: { readonly time: Date; readonly entries: number };
  /** How much was found, and how much of that was put right. */
  readonly found: number;
  readonly repaired: number;
  /** The first 1,000 of it; of a pass that was interrupted, the first so many before that. */
  readonly findings: readonly ScrubFinding[];
  /** What is in no object's way, such as payloads that nothing names; the first 1,000 of it. A collection removes it. */
  readonly foreign: readonly ForeignObject[];
  /** Whether it took longer than `within`, which the rate did not allow. */
  readonly late: boolean;
}

/** A scrub that has ended, as the store remembers it. Times are milliseconds since 1970 by the clock of whoever did it. */
export interface PastScrub {
  readonly started: number;
  readonly ended: number;
  readonly objects: number;
  readonly bytes: number;
  readonly found: number;
  readonly repaired: number;
  readonly strays: number;
}

/** What a store remembers of its scrubs. */
export interface ScrubState {
  /** How often everything is to be scrubbed, in milliseconds, where somebody said so. */
  readonly within?: number;
  /** The last one that has ended. */
  readonly last?: PastScrub;
  /** How many findings are not put right, and some of them. */
  readonly open: number;
  readonly findings: readonly Pick<ScrubFinding, 'kind' | 'name'>[];
}

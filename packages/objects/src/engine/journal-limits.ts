/**
 * A commit is covered by a hint that began to be written at most this long before the commit is acknowledged, in
 * milliseconds; after that it is announced anew. Well below {@link HINT_LAPSES_AFTER}.
 */
export const HINT_COVERS_FOR: number = 15 * 60 * 1000;

/** A hint without a commit is forgotten at this age, in milliseconds, and none is removed before it. */
export const HINT_LAPSES_AFTER: number = 60 * 60 * 1000;

/** A consumer that confirms nothing for so long, in milliseconds, expires: the journal isn't kept for it any more. */
export const CONSUMER_EXPIRES_AFTER: number = 7 * 24 * 60 * 60 * 1000;

/**
 * A writer uses its stream only within this time of its last hint there, in milliseconds, and takes a new one after that.
 * Well below {@link STREAM_CLOSES_AFTER}: nobody writes to a stream that others may have closed and removed.
 */
export const STREAM_USED_FOR: number = 24 * 60 * 60 * 1000;

/** A stream without a new hint for so long, in milliseconds, is closed; its writer goes on with another one. */
export const STREAM_CLOSES_AFTER: number = 7 * 24 * 60 * 60 * 1000;

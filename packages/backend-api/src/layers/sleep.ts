import { setTimeout as wait } from 'node:timers/promises';

/** Resolves after some milliseconds; rejects with the reason of `signal` when that is aborted first. */
export type Sleep = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

/** By the timers of Node. */
export const realSleep: Sleep = async (milliseconds, signal) => wait(milliseconds, undefined, { signal });

import type { ObjectStore } from '@securestore/objects';
import type { TokenNames } from '@securestore/objects/internal';
import type { RecoveryPointInfo } from './types.ts';

/** What became current last under a token: a version, or that there is none. */
export interface Current {
  readonly state: 'there' | 'deleted' | 'purged';
  readonly version: string;
  /** By the version, to the millisecond. */
  readonly modified: Date;
}

/** Something under a token. */
export interface Item {
  readonly token: string;
  /** Whether an object is there, as far as that shows without reading it. */
  readonly isThere: boolean;
  /** What is known of it; `undefined` if it went away meanwhile. */
  current(signal: AbortSignal | undefined): Promise<Current | undefined>;
  /** Its name; `undefined` if nothing tells it any more. */
  name(signal: AbortSignal | undefined): Promise<string | undefined>;
}

/** The names of a moment, in the order of their tokens. */
export interface Source {
  readonly names: TokenNames;
  /** The store as it was, or is. */
  readonly store: ObjectStore;
  readonly info: RecoveryPointInfo;
  /** What tells pages of one moment from those of another. */
  readonly id: string;
  /** All that comes after a token. */
  items(after: string, signal: AbortSignal | undefined): AsyncIterable<Item>;
  /** How many of all names come before a token, from 0 to 1; `undefined` if nobody knows. */
  shareBefore(token: string): number | undefined;
}

/** Names that are looked at before others get their turn. */
const STEPS_A_TURN = 512;

/** Lets others have their turn now and then: what is remembered is looked through without waiting for anything. @param left steps to go */
export async function yieldTurn(left: number): Promise<void> {
  if (left % STEPS_A_TURN === 0) await new Promise(setImmediate);
}

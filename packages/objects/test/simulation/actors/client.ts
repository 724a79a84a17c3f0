import { SecureStoreError } from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import type { ObjectStore } from '../../../src/index.ts';
import type { Dice } from '../dice.ts';
import type { Action } from '../operations.ts';
import type { SimulatedProcess } from '../process.ts';
import type { Opened, World } from '../world.ts';
import { perform } from './perform.ts';

/** What the clients of a schedule do. */
export interface Habits {
  readonly keys: readonly string[];
  /** How many operations each thread of a process does. */
  readonly operations: number;
  /** The longest time between two of them, in milliseconds. */
  readonly rest: number;
  /** How likely it is that an object is purged. */
  readonly purges: number;
  /** How likely it is that an object is deleted for no other reason than to see it go. */
  readonly deletes: number;
  /** How likely it is that an earlier version is brought back. */
  readonly restores: number;
  /** How much of what is stored is too large for its record. */
  readonly blobs: number;
}

/** Payloads in the record, and in one part or several. */
const SMALL = 12;
const LARGE = [40_000, 40_000, 100_000] as const;

const MAX_OPEN_TRIES = 20;

function conditions(world: World, dice: Dice, key: string): { ifVersion?: string; ifAbsent?: boolean } {
  const seen = world.seen.get(key) ?? [];
  if (dice.chance(0.2)) return { ifAbsent: true };
  const version = dice.chance(0.7) ? seen.at(-1)?.version : seen[dice.below(Math.max(1, seen.length))]?.version;
  return dice.chance(0.4) && version !== undefined ? { ifVersion: version } : {};
}

function chooseAction(world: World, dice: Dice, key: string, habits: Habits): Action {
  const { purges, deletes, restores, blobs } = habits;
  const { ifAbsent, ...ifVersion } = conditions(world, dice, key);
  const seen = world.seen.get(key) ?? [];
  const version = seen[dice.below(Math.max(1, seen.length))]?.version;
  if (version !== undefined && dice.chance(restores)) return { type: 'restoreVersion', version, ...ifVersion };
  if (dice.chance(purges)) return { type: 'purge' };
  if (dice.chance(deletes)) return { type: 'delete', ...ifVersion };
  const choice = dice.float();
  if (choice < 0.35) {
    const size = dice.chance(blobs) ? dice.pick(LARGE) : SMALL;
    return { type: 'store', size, ...ifVersion, ...(ifAbsent === undefined ? {} : { ifAbsent }) };
  }
  if (choice < 0.43) return { type: 'setMetadata', ...ifVersion };
  if (choice < 0.52) return { type: 'delete', ...ifVersion };
  if (choice < 0.58) return { type: 'undelete' };
  if (choice < 0.85) return { type: 'retrieve' };
  if (choice < 0.9) return { type: 'has' };
  return version === undefined || dice.chance(0.5) ? { type: 'history' } : { type: 'retrieveVersion', version };
}

/** Opens the store, again where the network prevents it. @returns `undefined` where that never succeeds */
export async function openPatiently(
  world: World,
  process: SimulatedProcess,
  unlock: UnlockMethod = world.secrets.kept,
): Promise<Opened | undefined> {
  for (let tries = 0; tries < MAX_OPEN_TRIES; tries++) {
    try {
      return await world.open(process, unlock);
    } catch (error) {
      // The secret may have been taken away by now.
      if (unlock !== world.secrets.kept && SecureStoreError.is(error, 'UNLOCK_FAILED')) return undefined;
      const elsewhere = SecureStoreError.is(error) ? world.isElsewhere(error) : undefined;
      if (elsewhere === 'for good') return undefined;
      if (elsewhere === undefined && !SecureStoreError.is(error, 'UNAVAILABLE')) {
        world.complain(`${process.name} can't open the store: ${String(error)}`);
        return undefined;
      }
    }
    await process.clock.sleep(1000);
  }
  return undefined;
}

async function thread(
  world: World,
  process: SimulatedProcess,
  store: ObjectStore,
  dice: Dice,
  habits: Habits,
): Promise<void> {
  for (let done = 0; done < habits.operations; done++) {
    await world.rest(process, dice, habits.rest);
    const key = dice.pick(habits.keys);
    const action = chooseAction(world, dice, key, habits);
    await perform(world, process, store, key, action, dice.chance(0.4) ? dice.magnitude(50, 60_000) : undefined);
  }
}

/** A process that uses the store in one or more threads. */
export async function client(world: World, process: SimulatedProcess, dice: Dice, unlock: UnlockMethod): Promise<void> {
  const opened = await openPatiently(world, process, unlock);
  if (opened === undefined) return;
  const { habits } = world.plan;
  const threads = 1 + dice.below(2);
  await Promise.all(Array.from({ length: threads }, () => thread(world, process, opened.store, dice.fork(), habits)));
}

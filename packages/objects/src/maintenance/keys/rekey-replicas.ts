import type { CopyKeeper, Engine } from '../../engine/engine.ts';

/** What lies under which keys in the copies of a store, after they were brought under those of now. */
export interface ReplicaKeyUsage {
  /** By the id of the key version. */
  readonly counts: ReadonlyMap<string, number>;
  /** Destinations that could not be looked through: what they hold may lie under any key. */
  readonly pending: readonly string[];
}

/** If backups are registered, and this process has nothing that looks after them. */
const NO_KEEPER = ['all destinations of backups: this process was opened without @securestore/backup'];

const NOBODY: CopyKeeper = {
  rekey: async () => ({ counts: new Map(), pending: NO_KEEPER }),
  replaceKeys: async () => NO_KEEPER,
  bringAccess: async () => NO_KEEPER,
};

/** Whether the store is backed up to destinations that are registered. */
function isArchived({ monitor }: Engine): boolean {
  return monitor.state.head.references.destinations !== undefined;
}

/** Brings the copies of the store under the keys of now, and counts what lies under others. */
export async function rekeyCopies(engine: Engine, signal: AbortSignal | undefined): Promise<ReplicaKeyUsage> {
  if (!isArchived(engine)) return { counts: new Map(), pending: [] };
  return (engine.copies.keeper ?? NOBODY).rekey(signal);
}

/**
 * Replaces the keys that lie with the copies by those of now.
 *
 * @returns the destinations where that could not be done: until it is, what was destroyed can be brought back from there
 */
export async function replaceCopiedKeys(engine: Engine, signal: AbortSignal | undefined): Promise<readonly string[]> {
  if (!isArchived(engine)) return [];
  return noted(engine, (keeper) => keeper.replaceKeys(signal));
}

/** Remembers whether all was reached, so that it is tried again. */
async function noted(
  { copies }: Engine,
  reach: (keeper: CopyKeeper) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  // What is interrupted has not reached all.
  copies.isBehind = copies.keeper !== undefined;
  const pending = await reach(copies.keeper ?? NOBODY);
  copies.isBehind &&= pending.length > 0;
  return pending;
}

/**
 * Brings who may open the store, and do what with it, to the destinations that do not know it.
 *
 * @returns the destinations where that could not be done: a store that is restored from there gives back what was taken away
 */
export async function bringAccess(engine: Engine, signal: AbortSignal | undefined): Promise<readonly string[]> {
  return isArchived(engine) ? noted(engine, (keeper) => keeper.bringAccess(signal)) : [];
}

/** Has the same done within a minute or so, by a process that looks after the store. */
export function bringAccessSoon(engine: Engine): void {
  if (isArchived(engine) && engine.copies.keeper !== undefined) engine.copies.isBehind = true;
}

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { RecoveryWindow, SecureStore } from '../../src/index.ts';
import { createStore, listWindows, openStore, rawKey, restoreStore } from '../../src/index.ts';
import { memoryPlace } from './round-trip.ts';

const unlock = rawKey(Buffer.alloc(32, 7));
const WRITERS = 3;
const KEYS_EACH = 4;
/** How long is written at most until there is something to restore, in milliseconds. */
const MOST_WRITING = 60_000;

/** What one call did to an object; `undefined` for a deletion. Times are milliseconds since 1970. */
interface Operation {
  readonly value: string | undefined;
  readonly begun: number;
  /** Absent until the store has said that it is done. */
  acknowledged?: number;
}

type Model = Map<string, Operation[]>;

/** Changes its own keys, one after the other, until it is told to end. */
async function write(store: SecureStore, writer: number, model: Model, signal: AbortSignal): Promise<void> {
  for (let serial = 0; !signal.aborted; serial++) {
    const key = `w${writer}/${randomInt(KEYS_EACH)}`;
    const operations = model.get(key) ?? [];
    model.set(key, operations);
    const value = serial % 7 === 6 ? undefined : `${writer} ${serial}`;
    const operation: Operation = { value, begun: Date.now() };
    operations.push(operation);
    if (value === undefined) await store.delete(key);
    else await store.store(key, value);
    operation.acknowledged = Date.now();
    await pause(randomInt(30));
  }
}

/** Why an object can't have been like this at a moment; `undefined` if it can. */
function objection(operations: readonly Operation[], value: string | undefined, at: number): string | undefined {
  const least = operations.findLastIndex(({ acknowledged = Infinity }) => acknowledged < at);
  const isPossible = operations.some((one, place) => place >= least && one.value === value && one.begun <= at);
  if (isPossible || (least === -1 && value === undefined)) return undefined;
  const known = operations.filter(
    ({ begun, acknowledged = Infinity }) => begun > at - 3000 && acknowledged < at + 3000,
  );
  const near = known.map((one) => `${one.value ?? 'deleted'} ${one.begun - at}..${(one.acknowledged ?? at) - at} ms`);
  return `is ${value ?? 'not there'}; around the moment it became: ${near.join(', ')}`;
}

async function valuesAt(url: string): Promise<ReadonlyMap<string, string>> {
  await using store = await openStore(url, { unlock, maintenance: false });
  const values = new Map<string, string>();
  for (const key of await store.list()) values.set(key, (await store.retrieve(key)).text());
  return values;
}

/** The windows of a backup that are longer than a moment. */
async function spansOf(backup: string): Promise<RecoveryWindow[]> {
  const windows = await listWindows(backup, { unlock });
  return windows.filter(({ from, to }) => from < to);
}

/**
 * Writes to a store that is followed, and restores it to random moments. What was acknowledged before a moment must be there, and what was
 * begun after it must not, by the clock of this machine, which the backend has too.
 *
 * @param milliseconds how long is written
 * @param moments to how many moments it is restored
 */
export async function restoreToMoments(url: string, milliseconds: number, moments: number): Promise<void> {
  const backup = memoryPlace();
  const model: Model = new Map();
  const end = new AbortController();
  await using store = await createStore(url, { unlock, maintenance: false, journal: true });
  await using following = await store.backups.startContinuous(backup);
  const writers = Array.from({ length: WRITERS }, (_, at) => write(store, at, model, end.signal));
  // On a machine that is too busy there may be gaps between cuts, and windows of one moment: then it is gone on for a while.
  const deadline = Date.now() + MOST_WRITING;
  do await pause(milliseconds);
  while ((await spansOf(backup)).length === 0 && Date.now() < deadline);
  end.abort();
  await Promise.all(writers);
  await following.caughtUp();
  await following.close();
  const spans = await spansOf(backup);
  assert.ok(spans.length > 0);
  const objections: string[] = [];
  for (let asked = 0; asked < moments; asked++) {
    const { from, to } = spans[randomInt(spans.length)] ?? assert.fail();
    const at = new Date(randomInt(from.getTime(), to.getTime() + 1));
    const target = memoryPlace();
    const { time, gap } = await restoreStore(backup, target, { unlock, at });
    assert.deepEqual([time, gap], [at, undefined]);
    const values = await valuesAt(target);
    for (const [key, operations] of model) {
      const why = objection(operations, values.get(key), at.getTime());
      if (why !== undefined) objections.push(`${key} ${why}`);
    }
  }
  assert.deepEqual(objections, []);
}

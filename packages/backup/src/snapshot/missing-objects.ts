import { AREAS, asBuffer, historyPrefix, objectName, SecureStoreError } from '@securestore/core-format';
import { isCount, isObject } from '@securestore/jobs';
import type { BackupArea, KnownObject } from '@securestore/objects/internal';
import { entriesUnder, isTombstoneSize, tokenIn } from '@securestore/objects/internal';
import type { StorageBackend } from '@securestore/backend-api';
import type { Destination } from '../repository/destination.ts';
import { rememberIfPossible, SealedState } from '../repository/destination-state.ts';
import { withFallback } from '../repository/errors.ts';
import type { FailedCopy } from '../repository/upload.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { readerLabel } from './reader-label.ts';
import type { NamedObjects } from './snapshot-types.ts';

/** So many objects are named, and remembered by their tokens. */
const MAX_NAMED = 20;
/** With more objects, the store is listed once a day: each listing of 1,000 names is one request. */
const MAX_LISTED_EACH_TIME = 10_000;

/** Some objects: their number, and the tokens of the first ones. */
interface NotedObjects {
  readonly count: number;
  readonly tokens: readonly string[];
}

/** The objects that the last backup missed. */
interface MissedObjects extends NotedObjects {
  /** A digest of everything that the journal's reader had confirmed then: as long as it is the same, the store remembers each deletion since. */
  readonly mark: string;
}

const NOTHING_MISSED: MissedObjects = { count: 0, tokens: [], mark: '' };

type KnownToken = Pick<KnownObject, 'token' | 'deleted'>;

/** Counts objects, and keeps the tokens of the first ones. */
export class ObjectNotes implements NotedObjects {
  count = 0;
  readonly tokens: string[] = [];

  add(token: string): void {
    this.count += 1;
    if (this.tokens.length < MAX_NAMED) this.tokens.push(token);
  }
}

/** The keys of noted objects, as far as their tokens tell them. */
export function namedIn(area: BackupArea, { count, tokens }: NotedObjects): NamedObjects {
  return { count, keys: tokens.map((token) => area.keyAt(objectName(token))).filter((key) => key !== undefined) };
}

/** A failed copy, with the key of its object if its name tells it. */
export function withKey(area: BackupArea, failed: FailedCopy): FailedCopy {
  const key = area.keyAt(failed.name);
  return key === undefined ? failed : { ...failed, key };
}

/** Whether a backup looks for missing objects: each one of a small store, and the first one of a day. */
export function isListed(objects: number, isFirstOfDay: boolean): boolean {
  return objects <= MAX_LISTED_EACH_TIME || isFirstOfDay;
}

function isThere(area: BackupArea, token: string, signal: AbortSignal | undefined): Promise<boolean> {
  const range = { start: 0, end: 1, ...(signal && { signal }) };
  return area.read(objectName(token), range).then((found) => found !== undefined);
}

/**
 * The objects that are known, and of which the store has no record. A deletion and a purge leave a tombstone, which is not forgotten before
 * the journal has told it, and then it is known. So the backend has lost the record of such an object, or an attacker removed it.
 *
 * @param known in the order of tokens, as of a time before the call
 */
export async function missingFrom(
  area: BackupArea,
  known: AsyncIterable<KnownToken>,
  signal: AbortSignal | undefined,
): Promise<ObjectNotes> {
  const missing = new ObjectNotes();
  for await (const token of notListed(area, known, signal)) {
    // A listing may be a moment old.
    if (missing.count >= MAX_NAMED || !(await isThere(area, token, signal))) missing.add(token);
  }
  return missing;
}

/** The tokens of objects that are known, and which a listing of the store does not show. */
async function* notListed(
  area: BackupArea,
  known: AsyncIterable<KnownToken>,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const there = area.entries(AREAS.objects, { signal });
  try {
    let next = await there.next();
    for await (const { token, deleted } of known) {
      const name = objectName(token);
      while (next.done !== true && next.value.key < name) next = await there.next();
      if (!deleted && (next.done === true || next.value.key !== name)) yield token;
    }
  } finally {
    await there.return(undefined);
  }
}

function parse(value: unknown): MissedObjects | undefined {
  if (!isObject(value) || !isCount(value['count']) || !Array.isArray(value['tokens'])) return undefined;
  const tokens = (value['tokens'] as unknown[]).filter((token) => typeof token === 'string');
  const { mark } = value;
  return { count: value['count'], tokens, mark: typeof mark === 'string' ? mark : '' };
}

function stateOf(area: BackupArea, { id }: Pick<Destination, 'id'>): SealedState<MissedObjects> {
  return new SealedState(area, 'missing', id, 'the objects that were missing', parse);
}

/** Has the store remember what was missing when it was backed up, for its health. */
export function rememberMissing(
  area: BackupArea,
  destination: Pick<Destination, 'id'>,
  { count, tokens, mark }: MissedObjects,
  signal: AbortSignal | undefined,
): Promise<void> {
  const state = stateOf(area, destination);
  return rememberIfPossible(() =>
    state.shared.update(async ({ value }) => {
      const known = (value && (await state.open(value, signal))?.value) ?? NOTHING_MISSED;
      const isSame = known.count === count && known.tokens.join() === tokens.join();
      return isSame && (count === 0 || known.mark === mark) ? undefined : state.seal({ count, tokens, mark });
    }, signal),
  );
}

async function rememberedMissing(
  area: BackupArea,
  destination: Pick<Destination, 'id'>,
  signal: AbortSignal | undefined,
): Promise<MissedObjects> {
  if (!area.hasKeys) return NOTHING_MISSED;
  const found = await withFallback(
    (error) => SecureStoreError.is(error) && signal?.aborted !== true,
    undefined,
    () => stateOf(area, destination).read(signal),
  );
  return found?.value ?? NOTHING_MISSED;
}

/** The tokens of the objects that the last backup missed, if the store remembers each deletion since: none of them was deleted. */
async function lostSince(
  area: BackupArea,
  destination: Pick<Destination, 'id'>,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const { tokens, mark } = await rememberedMissing(area, destination, signal);
  if (tokens.length === 0) return [];
  return mark !== '' && (await area.markOf(readerLabel(destination), signal)) === mark ? tokens : [];
}

/** How many of the objects are still missing that were so at the last backup to a destination. */
export async function stillMissing(
  area: BackupArea,
  destination: Pick<Destination, 'id'>,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { count, tokens } = await rememberedMissing(area, destination, signal);
  let restored = 0;
  for (const token of tokens) if (await isThere(area, token, signal)) restored += 1;
  return Math.max(0, count - restored);
}

/** Tells objects that the store has lost from others, by their tokens. */
export type LossJudge = (token: string) => Promise<boolean>;

/**
 * Judges objects that a snapshot has. One without a record was lost if a deletion of it, made since, would still be remembered, if the last
 * backup missed it and nothing was read from the journal since, or if older versions exist, which a deletion and a purge outlast. Of another it is not known: it may have been deleted.
 *
 * Of a snapshot of another instance, such as the store from which this one was restored, only older versions tell.
 */
export async function lossJudge(
  area: BackupArea,
  destination: Pick<Destination, 'id'>,
  { time, instance }: Pick<FoundPoint, 'time' | 'instance'>,
  signal: AbortSignal | undefined,
): Promise<LossJudge> {
  const isOwn = asBuffer(instance).equals(area.head.instance);
  const age = isOwn ? Math.abs(area.clock.now() - time) : Infinity;
  // The other half is for clocks that differ.
  const isRecent = age < area.deletionsKept / 2;
  const missed = new Set(isOwn && !isRecent ? await lostSince(area, destination, signal) : []);
  const isLost = async (token: string): Promise<boolean> => {
    if (isRecent || missed.has(token)) return true;
    return (await area.list(historyPrefix(token), { limit: 1, ...(signal && { signal }) })).entries.length > 0;
  };
  // The history may be that of an object that was stored meanwhile.
  return async (token) =>
    !(await isThere(area, token, signal)) && (await isLost(token)) && !(await isThere(area, token, signal));
}

/** The objects in a view of a snapshot that the store has lost, by their tokens. */
export async function* lostAmong(
  area: BackupArea,
  view: StorageBackend,
  isLost: LossJudge,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const known = async function* (): AsyncGenerator<KnownToken> {
    for await (const { key, size } of entriesUnder(view, AREAS.objects, { signal }))
      yield { token: tokenIn(key), deleted: isTombstoneSize(size) };
  };
  for await (const token of notListed(area, known(), signal)) if (await isLost(token)) yield token;
}

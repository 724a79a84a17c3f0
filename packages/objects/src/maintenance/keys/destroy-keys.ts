import type { Advice, KeyVersion } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { KeyVersionInfo } from '@securestore/crypto';
import { backendNow } from '../../record/backend-age.ts';
import type { Engine } from '../../engine/engine.ts';
import type { HeadEdit } from '../../head/head-edit.ts';
import { commitHead } from '../../engine/commit-head.ts';
import { removeOldKeys } from '../../engine/head-references.ts';
import { expireAll } from '../../journal/consumer-liveness.ts';
import type { StoreState } from '../../head/store-state.ts';
import type { KeyUsage } from './key-usage.ts';
import { rekeyCopies, replaceCopiedKeys } from './rekey-replicas.ts';
import { countKeyUsage } from './key-usage.ts';
import type { EncryptionKeyInfo } from './keys.ts';
import { changeVersions, labelOf, planVersions, reportOf } from './keys.ts';
import { withNewRoot } from '../../engine/new-keys.ts';
import { shownValue } from '../../util/shown-value.ts';
import { invalid } from '../../util/invalid.ts';

/** What {@link destroyKeys} is to destroy: the id of a retired key version, or the name of a category. */
export interface DestroyOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long it can be undone, in milliseconds; by default 30 days. */
  readonly waitingPeriod?: number | undefined;
}

/** How many damaged objects an error names at most. */
const MAX_SHOWN = 3;
const LIST: readonly Advice[] = [{ id: 'list-encryption-keys' }];
const ROTATE: readonly Advice[] = [{ id: 'start-rotation' }];
const DAY = 24 * 60 * 60 * 1000;
export const DEFAULT_WAITING_PERIOD: number = 30 * DAY;
export const MAX_WAITING_PERIOD: number = 3650 * DAY;

function selected(state: StoreState, target: string): readonly KeyVersionInfo[] {
  const { versions } = state.keys;
  const byId = versions.filter(({ label }) => label === target);
  if (byId.length > 0) return byId;
  const category = versions.filter(
    ({ kind, groupId }) => kind === 'category' && state.categories.nameOf(groupId) === target,
  );
  if (category.length > 0) return category;
  throw new SecureStoreError('NOT_FOUND', `key version or category ${JSON.stringify(target)} does not exist`, {
    advice: LIST,
  });
}

/** A single version is destroyed only once nothing needs it; a whole category is destroyed with what it seals. */
async function checkUnused(
  engine: Engine,
  target: string,
  [info]: readonly KeyVersionInfo[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (info === undefined || info.label !== target) return;
  if (info.state !== 'disabled') {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      `the key version to destroy must be disabled, got ${target}, which is ${info.state}`,
      { advice: info.state === 'destroyed' ? LIST : ROTATE },
    );
  }
  const { counts, unreadable } = await countKeyUsage(engine, { signal });
  const copies = await rekeyCopies(engine, signal);
  if (copies.pending.length > 0) {
    throw new SecureStoreError(
      'UNAVAILABLE',
      `cannot tell whether backups need the key version ${target}: ${copies.pending.join(', ')}`,
    );
  }
  const count = (counts.get(target) ?? 0) + (copies.counts.get(target) ?? 0);
  if (count === 0 && unreadable.length === 0) return;
  const some = unreadable.slice(0, MAX_SHOWN).join(', ');
  const damaged = unreadable.length === 0 ? '' : `. ${unreadable.length} damaged objects may need it, too (${some}).`;
  throw new SecureStoreError('CONFLICT', `${count} objects need the key version ${target}${damaged}`, {
    advice: unreadable.length === 0 ? ROTATE : [...ROTATE, { id: 'repair-object' }],
  });
}

/**
 * Schedules keys to be destroyed, and waits until no process uses them any more; until the waiting period has passed that
 * can be undone. Without one they are destroyed then. Who stops the call after it has scheduled them leaves them so.
 *
 * @param target the id of a retired key version, or the name of a category, whose objects become unreadable for ever
 * @returns what is going to be destroyed
 * @throws SecureStoreError `NOT_FOUND`, `INVALID_ARGUMENT`; `CONFLICT` if a key version is in use; `LOCKED` if the store is
 *   being re-encrypted elsewhere; `UNSUPPORTED` if the store has a slot that this release doesn't know, and keys are to be destroyed now
 */
export async function destroyKeys(
  engine: Engine,
  target: string,
  options: DestroyOptions = {},
): Promise<EncryptionKeyInfo[]> {
  const { signal, waitingPeriod = DEFAULT_WAITING_PERIOD } = options;
  if (!(Number.isFinite(waitingPeriod) && waitingPeriod >= 0 && waitingPeriod <= MAX_WAITING_PERIOD)) {
    invalid(
      `the option "waitingPeriod" must be 0 to ${MAX_WAITING_PERIOD} ms (3650 days), got ${shownValue(waitingPeriod)}`,
      'waitingPeriod',
    );
  }
  await engine.monitor.refresh(signal);
  checkNotSealedAnew(engine.monitor.state);
  checkAlone(engine.monitor.state, target);
  await checkUnused(engine, target, selected(engine.monitor.state, target), signal);
  // By the clock that is ahead, since the waiting period is what the caller relies on.
  const now = Math.max(engine.clock.now(), await backendNow(engine, signal));
  const destroyAt = Math.floor(now + waitingPeriod);
  const chosen = (state: StoreState): readonly KeyVersionInfo[] => selected(state, target);
  await changeVersions(
    engine,
    (version, state) => {
      checkNotSealedAnew(state);
      return version.state !== 'destroyed' && includes(chosen(state), version) ? { ...version, destroyAt } : version;
    },
    signal,
  );
  // Until then others may acknowledge what they seal under the keys, and return what they open with them.
  await engine.monitor.quiesce(signal);
  // What another process has undone or put off meanwhile stays.
  const isDue = (state: StoreState): KeyVersionInfo[] => chosen(state).filter((info) => info.destroyAt === destroyAt);
  const destroyed = waitingPeriod === 0 ? await destroyAndClear(engine, isDue, signal) : undefined;
  const { state } = engine.monitor;
  const pendingAt = destroyed?.pending ?? [];
  const more = pendingAt.length === 0 ? {} : { pendingAt };
  return chosen(state).map((info) => ({ ...reportOf(state, info), ...more }));
}

/** What was opened and sealed under other keys by then would outlive these. @throws SecureStoreError `LOCKED` */
function checkNotSealedAnew({ head }: StoreState): void {
  if (head.migration?.resealed !== true) return;
  throw new SecureStoreError(
    'LOCKED',
    'encryption keys cannot be destroyed while the store is being re-encrypted at another store URL. Their data would stay there under other keys.',
    { reason: 'migrating', advice: [{ id: 'resume-migration' }, { id: 'cancel-migration' }] },
  );
}

const includes = (infos: readonly KeyVersionInfo[], version: KeyVersion): boolean =>
  infos.some(({ label }) => label === labelOf(version));

/**
 * Undoes {@link destroyKeys} while there is time.
 *
 * @throws SecureStoreError `NOT_FOUND`; `KEY_DESTROYED` if it is too late; `INVALID_ARGUMENT` if nothing was scheduled
 */
export async function undoDestruction(
  engine: Engine,
  target: string,
  signal?: AbortSignal,
): Promise<EncryptionKeyInfo[]> {
  await engine.monitor.refresh(signal);
  checkAlone(engine.monitor.state, target);
  const changed = await changeVersions(
    engine,
    (version, state) => {
      const isScheduled = version.destroyAt > 0 && includes(selected(state, target), version);
      return isScheduled ? { ...version, destroyAt: 0 } : version;
    },
    signal,
  );
  const { state } = engine.monitor;
  const infos = selected(state, target);
  // Also if an earlier call was stopped before this. What they read of meanwhile they could not open.
  await expireAll(engine, signal);
  if (!changed && infos.every((info) => info.state === 'destroyed')) {
    throw new SecureStoreError(
      'KEY_DESTROYED',
      `the encryption keys of ${JSON.stringify(target)} are already destroyed`,
    );
  }
  if (!changed) {
    invalid(`${JSON.stringify(target)} is not scheduled to be destroyed`);
  }
  return infos.map((info) => reportOf(state, info));
}

/** Whether a single version may go: never the one that seals what is stored now. */
function isUnused({ label, state }: KeyVersionInfo, usage: KeyUsage | undefined): boolean {
  if (usage === undefined || state !== 'disabled') return false;
  return usage.unreadable.length === 0 && !usage.counts.has(label);
}

/** The usage of the store and of its copies; `undefined` if not all of them can be checked. */
async function usageOfAll(engine: Engine, signal: AbortSignal | undefined): Promise<KeyUsage | undefined> {
  const usage = await countKeyUsage(engine, { signal });
  const copies = await rekeyCopies(engine, signal);
  if (copies.pending.length > 0) return undefined;
  return { ...usage, counts: new Map([...copies.counts, ...usage.counts]) };
}

/** A version of a category that is to be destroyed as a whole shares its fate. @throws SecureStoreError `INVALID_ARGUMENT` */
function checkAlone(state: StoreState, target: string): void {
  const info = selected(state, target).find(({ label }) => label === target);
  if (info === undefined || info.state === 'destroyed' || !wholeGroup(state, info)) return;
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    `the key version ${target} belongs to a category that is to be destroyed as a whole`,
    { advice: LIST },
  );
}

/** Whether all versions of the group that `info` is in go together, as when a category is destroyed. */
function wholeGroup(state: StoreState, info: KeyVersionInfo): boolean {
  return state.keys.versions
    .filter(({ groupId }) => groupId.equals(info.groupId))
    .every((version) => version.state === 'destroyed' || version.destroyAt > 0);
}

/** What a call of {@link finishDestruction} did. */
interface Destroyed {
  /** Ids of the versions that are gone. */
  readonly destroyed: string[];
  /** Ids of those under which something is stored after all. */
  readonly inUse: string[];
  /** Destinations of backups where the keys of before could not be replaced yet: from there they can be brought back until then. */
  readonly pending: readonly string[];
}

/** Tells which key versions are to go, by the newest state. */
type IsDue = (state: StoreState) => KeyVersionInfo[];

/** What is to go by a clock that says `now`, in milliseconds since 1970. */
function dueBy(now: number): IsDue {
  return ({ keys }) => keys.versions.filter(({ destroyAt }) => destroyAt > 0 && destroyAt <= now);
}

/**
 * Destroys the keys whose waiting period has passed, by the clock of this process and by the backend's: neither may be
 * believed alone, and it can't be undone. They are taken out of the keyring, of which every older copy at the backend is
 * removed. A single version under which something is stored after all is kept, and reported.
 *
 * If something was destroyed, it returns once nobody acts on an older generation any more.
 */
export async function finishDestruction(engine: Engine, signal: AbortSignal | undefined): Promise<Destroyed> {
  await engine.monitor.refresh(signal);
  const own = engine.clock.now();
  // Most calls find nothing, and need no more of the backend.
  const now = dueBy(own)(engine.monitor.state).length === 0 ? 0 : Math.min(own, await backendNow(engine, signal));
  return destroyAndClear(engine, dueBy(now), signal);
}

/** Destroys what is due, and sees to it that no older keyring is left. */
async function destroyAndClear(engine: Engine, isDue: IsDue, signal: AbortSignal | undefined): Promise<Destroyed> {
  const done = await destroyDue(engine, isDue, signal);
  const isAnyDestroyed = engine.monitor.state.keys.versions.some(({ state }) => state === 'destroyed');
  // Also what an earlier call destroyed and could not remove: as long as an old keyring is stored there, nothing is destroyed.
  if (isAnyDestroyed) await removeOldKeys(engine, signal);
  const result = { ...done, pending: isAnyDestroyed ? await replaceCopiedKeys(engine, signal) : [] };
  if (result.destroyed.length === 0) return result;
  await engine.monitor.quiesce(signal);
  // What others had on its way opens under no root key that the store still has, and need not stay either.
  await removeOldKeys(engine, signal);
  return result;
}

async function destroyDue(
  engine: Engine,
  isDue: IsDue,
  signal: AbortSignal | undefined,
): Promise<Omit<Destroyed, 'pending'>> {
  const before = engine.monitor.state;
  const due = isDue(before);
  if (due.length === 0) return { destroyed: [], inUse: [] };
  const single = due.some((info) => !wholeGroup(before, info));
  const usage = single ? await usageOfAll(engine, signal) : undefined;
  let result: Omit<Destroyed, 'pending'> = { destroyed: [], inUse: [] };
  await commitHead(engine, { signal }, async (state) => {
    const [ready, kept] = partition(isDue(state), (info) => wholeGroup(state, info) || isUnused(info, usage));
    result = { destroyed: ready.map(({ label }) => label), inUse: kept.map(({ label }) => label) };
    return planDestruction(engine, state, ready, signal);
  });
  return result;
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter((item) => isFirst(item)), items.filter((item) => !isFirst(item))];
}

/**
 * Takes keys out of the keyring, and renews the root key in the same commit: a keyring of before that is on its way, and
 * lands when all others have been removed, must not open by a secret and the head of now.
 */
async function planDestruction(
  engine: Engine,
  state: StoreState,
  ready: readonly KeyVersionInfo[],
  signal: AbortSignal | undefined,
): Promise<HeadEdit | undefined> {
  if (ready.length === 0) return undefined;
  const renewed = await withNewRoot(state.head, state.head.slots, engine.random);
  const plan = await planVersions(
    engine,
    state,
    (version) => {
      if (!includes(ready, version)) return version;
      version.key.fill(0);
      return { ...version, state: 'destroyed', destroyAt: 0 };
    },
    signal,
  );
  if (plan?.keyring === undefined) return undefined;
  return { ...renewed, keyring: { ...plan.keyring, rootNumber: renewed.head.rootNumber } };
}

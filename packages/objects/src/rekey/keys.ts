import type { Keyring, KeyVersion } from '@securestore/core-format';
import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { KeyVersionInfo } from '@securestore/crypto';
import { wipeKeyring } from '@securestore/crypto';
import type { Engine } from '../engine.ts';
import type { HeadPlan } from '../head-change.ts';
import { changeHead, removeOldKeyrings } from '../head-change.ts';
import { readKeyring } from '../state.ts';
import type { StoreState } from '../state.ts';
import type { Census } from './census.ts';
import { takeCensus } from './census.ts';

/** What a key version may be used for: `destroying` ones wait to be destroyed, and open nothing. */
export type KeyVersionState = 'primary' | 'enabled' | 'disabled' | 'destroying' | 'destroyed';

/** A key version, as it may be shown. */
export interface KeyReport {
  readonly id: string;
  readonly kind: 'category' | 'journal' | 'audit' | 'backup';
  /** The name of the category whose objects it seals; absent for other kinds. */
  readonly category?: string;
  readonly state: KeyVersionState;
  readonly created: Date;
  /** When it is to be destroyed; until then that can be undone. */
  readonly destroyAt?: Date;
}

const labelOf = ({ id }: KeyVersion): string => asBuffer(id).toString('hex');

function reportOf(state: StoreState, info: KeyVersionInfo): KeyReport {
  const report = {
    id: info.label,
    kind: info.kind,
    state: info.destroyAt > 0 ? ('destroying' as const) : info.state,
    created: new Date(info.created),
  };
  const named = info.kind === 'category' ? { ...report, category: state.categories.nameOf(info.groupId) } : report;
  return info.destroyAt > 0 ? { ...named, destroyAt: new Date(info.destroyAt) } : named;
}

/** All key versions, of each group oldest first. */
export async function listKeys({ watcher }: Engine, signal?: AbortSignal): Promise<KeyReport[]> {
  await watcher.refresh(signal);
  const { state } = watcher;
  return state.keys.versions.map((info) => reportOf(state, info));
}

type ChangeVersion = (version: KeyVersion, state: StoreState) => KeyVersion;

/** A plan that changes key versions; `undefined` where `change` leaves all as they are. */
async function planVersions(
  engine: Engine,
  state: StoreState,
  change: ChangeVersion,
  signal: AbortSignal | undefined,
): Promise<HeadPlan | undefined> {
  const keyring = await readKeyring(engine.backend, state.head, state.unlocked.root, signal);
  let changed = false;
  const groups = keyring.groups.map((group) => ({
    ...group,
    versions: group.versions.map((version) => {
      const next = change(version, state);
      if (next === version) return version;
      changed = true;
      return next;
    }),
  }));
  if (changed) return { keyring: { ...keyring, groups } satisfies Keyring };
  wipeKeyring(keyring);
  return undefined;
}

/** Changes key versions in one commit. @returns whether anything changed */
async function changeVersions(
  engine: Engine,
  change: ChangeVersion,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return changeHead(engine, (state) => planVersions(engine, state, change, signal), signal);
}

/**
 * Retires the key versions of `candidates` under which nothing lies any more by `census`.
 *
 * @returns the ids of those that were retired now
 */
export async function retireUnused(
  engine: Engine,
  candidates: ReadonlySet<string>,
  census: Census,
  signal?: AbortSignal,
): Promise<string[]> {
  // A record that can't be read may lie under any of them.
  if (census.unreadable.length > 0) return [];
  let retired: string[] = [];
  await changeVersions(
    engine,
    (version) => {
      const id = labelOf(version);
      if (version.state !== 'enabled' || !candidates.has(id) || census.counts.has(id)) return version;
      retired.push(id);
      return { ...version, state: 'disabled' };
    },
    signal,
  ).catch((error: unknown) => {
    retired = [];
    throw error;
  });
  return [...new Set(retired)];
}

/** What {@link destroyKeys} is to destroy: the id of a retired key version, or the name of a category. */
export interface DestroyOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long it can be undone, in milliseconds; by default 30 days. */
  readonly waitingPeriod?: number | undefined;
}

/** How many damaged objects an error names at most. */
const MAX_SHOWN = 3;
const DAY = 24 * 60 * 60 * 1000;
const DEFAULT_WAITING_PERIOD: number = 30 * DAY;
const MAX_WAITING_PERIOD: number = 3650 * DAY;

function selected(state: StoreState, target: string): readonly KeyVersionInfo[] {
  const { versions } = state.keys;
  const byId = versions.filter(({ label }) => label === target);
  if (byId.length > 0) return byId;
  const category = versions.filter(
    ({ kind, groupId }) => kind === 'category' && state.categories.nameOf(groupId) === target,
  );
  if (category.length > 0) return category;
  throw new SecureStoreError('NOT_FOUND', `there is no key version and no category ${JSON.stringify(target)}`);
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
      `the key version ${target} is ${info.state}; only one that a rotation has retired can be destroyed, or a whole category`,
    );
  }
  const { counts, unreadable } = await takeCensus(engine, { signal });
  const count = counts.get(target) ?? 0;
  if (count === 0 && unreadable.length === 0) return;
  const some = unreadable.slice(0, MAX_SHOWN).join(', ');
  const damaged = unreadable.length === 0 ? '' : `, and ${unreadable.length} are too damaged to tell (${some})`;
  throw new SecureStoreError(
    'CONFLICT',
    `${count} objects are sealed under the key version ${target}${damaged}; re-key, restore or purge them first`,
  );
}

/**
 * Schedules keys to be destroyed. From now on they open nothing; until the waiting period has passed that can be undone.
 *
 * @param target the id of a retired key version, or the name of a category, whose objects become unreadable for ever
 * @returns what is going to be destroyed
 * @throws SecureStoreError `NOT_FOUND`, `INVALID_ARGUMENT`; `CONFLICT` where a key version is in use
 */
export async function destroyKeys(engine: Engine, target: string, options: DestroyOptions = {}): Promise<KeyReport[]> {
  const { signal, waitingPeriod = DEFAULT_WAITING_PERIOD } = options;
  if (!(Number.isFinite(waitingPeriod) && waitingPeriod >= 0 && waitingPeriod <= MAX_WAITING_PERIOD)) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the waiting period must be from 0 to 3650 days, in milliseconds');
  }
  await engine.watcher.refresh(signal);
  checkAlone(engine.watcher.state, target);
  await checkUnused(engine, target, selected(engine.watcher.state, target), signal);
  const destroyAt = Math.floor(engine.clock.now() + waitingPeriod);
  await changeVersions(
    engine,
    (version, state) => {
      const chosen = selected(state, target).some(({ label }) => label === labelOf(version));
      return chosen && version.state !== 'destroyed' ? { ...version, destroyAt } : version;
    },
    signal,
  );
  if (waitingPeriod === 0) await finishDestruction(engine, { signal });
  const { state } = engine.watcher;
  return selected(state, target).map((info) => reportOf(state, info));
}

/**
 * Undoes {@link destroyKeys} while there is time.
 *
 * @throws SecureStoreError `NOT_FOUND`; `KEY_DESTROYED` where it is too late; `INVALID_ARGUMENT` where nothing was scheduled
 */
export async function undoDestruction(engine: Engine, target: string, signal?: AbortSignal): Promise<KeyReport[]> {
  await engine.watcher.refresh(signal);
  checkAlone(engine.watcher.state, target);
  const changed = await changeVersions(
    engine,
    (version, state) => {
      const chosen = selected(state, target).some(({ label }) => label === labelOf(version));
      return chosen && version.destroyAt > 0 ? { ...version, destroyAt: 0 } : version;
    },
    signal,
  );
  const { state } = engine.watcher;
  const infos = selected(state, target);
  if (!changed && infos.every((info) => info.state === 'destroyed')) {
    throw new SecureStoreError('KEY_DESTROYED', `the keys of ${JSON.stringify(target)} have been destroyed already`);
  }
  if (!changed) {
    throw new SecureStoreError('INVALID_ARGUMENT', `${JSON.stringify(target)} is not scheduled to be destroyed`);
  }
  return infos.map((info) => reportOf(state, info));
}

/** Whether a single version may go: never the one that seals what is stored now. */
function isUnused({ label, state }: KeyVersionInfo, census: Census | undefined): boolean {
  if (census === undefined || state !== 'disabled') return false;
  return census.unreadable.length === 0 && !census.counts.has(label);
}

/** A version of a category that is to be destroyed as a whole shares its fate. @throws SecureStoreError `INVALID_ARGUMENT` */
function checkAlone(state: StoreState, target: string): void {
  const info = selected(state, target).find(({ label }) => label === target);
  if (info === undefined || info.state === 'destroyed' || !wholeGroup(state, info)) return;
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    `the key version ${target} belongs to a category that is to be destroyed as a whole; name the category`,
  );
}

/** Whether all versions of the group that `info` is in go together, as when a category is destroyed. */
function wholeGroup(state: StoreState, info: KeyVersionInfo): boolean {
  return state.keys.versions
    .filter(({ groupId }) => groupId.equals(info.groupId))
    .every((version) => version.state === 'destroyed' || version.destroyAt > 0);
}

/**
 * Destroys the keys whose waiting period has passed: they are taken out of the keyring, of which every older copy at
 * the backend is removed. A single version under which something lies after all is kept, and reported.
 *
 * @returns the ids of the destroyed versions, and of those that are in use
 */
export async function finishDestruction(
  engine: Engine,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<{ destroyed: string[]; inUse: string[] }> {
  await engine.watcher.refresh(signal);
  const before = engine.watcher.state;
  const result = await destroyDue(engine, before, signal);
  // Also what an earlier call destroyed and could not remove: as long as an old keyring lies there, nothing is destroyed.
  if (engine.watcher.state.keys.versions.some(({ state }) => state === 'destroyed'))
    await removeOldKeyrings(engine, signal);
  return result;
}

async function destroyDue(
  engine: Engine,
  before: StoreState,
  signal: AbortSignal | undefined,
): Promise<{ destroyed: string[]; inUse: string[] }> {
  const due = (state: StoreState): KeyVersionInfo[] =>
    state.keys.versions.filter(({ destroyAt }) => destroyAt > 0 && destroyAt <= engine.clock.now());
  if (due(before).length === 0) return { destroyed: [], inUse: [] };
  const single = due(before).some((info) => !wholeGroup(before, info));
  const census = single ? await takeCensus(engine, { signal }) : undefined;
  let destroyed: string[] = [];
  let inUse: string[] = [];
  await changeHead(
    engine,
    async (state) => {
      const ready = due(state).filter((info) => wholeGroup(state, info) || isUnused(info, census));
      destroyed = ready.map(({ label }) => label);
      inUse = due(state).flatMap(({ label }) => (destroyed.includes(label) ? [] : [label]));
      return planVersions(
        engine,
        state,
        (version) => {
          if (!destroyed.includes(labelOf(version))) return version;
          version.key.fill(0);
          return { ...version, state: 'destroyed', destroyAt: 0 };
        },
        signal,
      );
    },
    signal,
  );
  return { destroyed, inUse };
}

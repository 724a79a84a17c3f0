import type { CategoryMap, Head, LockReason } from '@securestore/core-format';
import { isDamage, objectName, SecureStoreError } from '@securestore/core-format';
import type { CategoryMatcher } from '../../head/category-matcher.ts';
import { categoryMatcher } from '../../head/category-matcher.ts';
import { openLoose } from '../../record/open-record.ts';
import { openOfToken } from '../../record/stable-read.ts';
import { DAY, keptFor } from '../gc/retention.ts';
import { keyringWith } from '../keys/keys.ts';
import { ROTATION_JOB } from '../../engine/rotation-state.ts';
import type { Engine } from '../../engine/engine.ts';
import { commitHead } from '../../engine/commit-head.ts';
import type { HeadEdit } from '../../head/head-edit.ts';
import { abortCutover } from '../../engine/abort-cutover.ts';
import { ownerKeys } from '../../head/unlock/owner-keys.ts';
import type { StoreState } from '../../head/store-state.ts';
import { categoryMapOf, parseCategories, parseHistory, parseRotationDays } from '../../api/create-settings.ts';
import { movedNames } from './moved-names.ts';
import { CHANGEABLE, settingsOf } from './settings.ts';
import type { ChangeSettingsOptions, Settings, SettingsChange } from '../../api/settings-types.ts';
import { shownValue } from '../../util/shown-value.ts';
import { invalid } from '../../util/invalid.ts';
import { tryAgain } from '../../util/try-again.ts';

const UNCHANGEABLE = 'the categories of the store cannot be changed now';

const REASONS: Readonly<Record<Exclude<Head['state'], 'open'>, LockReason>> = {
  restoring: 'restoring',
  closing: 'changing-categories',
  moved: 'migrated',
  scratch: 'scratch',
};

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function checkChange(changes: SettingsChange): void {
  if (typeof changes !== 'object' || changes === null)
    invalid(`the settings must be an object, got ${shownValue(changes)}`);
  const other = Object.keys(changes).find((name) => !CHANGEABLE.includes(name));
  if (other !== undefined) {
    invalid(`the setting to change must be ${CHANGEABLE.join(', ')}, got ${JSON.stringify(other)}`, other);
  }
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function versionIn(options: ChangeSettingsOptions = {}): string | undefined {
  if (!('ifVersion' in options)) return undefined;
  const ifVersion: unknown = options.ifVersion;
  if (typeof ifVersion !== 'string')
    invalid(`the option "ifVersion" must be a version of settings, got ${shownValue(ifVersion)}`, 'ifVersion');
  return ifVersion;
}

/** @throws SecureStoreError `CONFLICT` */
function checkVersion(state: StoreState, ifVersion: string | undefined): void {
  const { version: currentVersion } = settingsOf(state);
  if (ifVersion === undefined || ifVersion === currentVersion) return;
  throw new SecureStoreError('CONFLICT', 'the settings have another version by now', {
    currentVersion,
    advice: [{ id: 'show-settings' }],
  });
}

/** What a change makes of all settings but the categories; `undefined` if they are as they are to be. */
function headAfter({ head }: StoreState, { history, rotation }: SettingsChange): HeadEdit['head'] {
  const next = parseHistory(history, head.history);
  const rotationDays = parseRotationDays(rotation, head.rotationDays);
  const isSame =
    next.versions === head.history.versions && next.days === head.history.days && rotationDays === head.rotationDays;
  return isSame ? undefined : { history: next, rotationDays };
}

function mapAfter({ categories }: StoreState, { categories: given }: SettingsChange, engine: Engine): CategoryMap {
  return categoryMapOf(parseCategories(given, categories.names), engine.random, categories.map);
}

const asWritten = ({ names, patterns }: CategoryMatcher): string => JSON.stringify([names, Object.entries(patterns)]);

/** Whether the last change of an object was its deletion or its purge; false if it can't be read. */
async function isDeleted(engine: Engine, token: string, signal: AbortSignal | undefined): Promise<boolean> {
  const found = await engine.backend.read(objectName(token), { signal });
  if (found === undefined) return true;
  try {
    return (await openOfToken(engine, openLoose, token, found.body, signal)).kind === 'tombstone';
  } catch (error) {
    if (isDamage(error) || SecureStoreError.is(error, 'KEY_DESTROYED')) return false;
    throw error;
  }
}

/** How long a deletion is kept, in days. */
function daysKept({ monitor, gracePeriod }: Engine): number {
  return Math.ceil(keptFor({ history: monitor.state.head.history, gracePeriod }) / DAY);
}

/** @throws SecureStoreError `CONFLICT` if an object would come into another category */
async function checkStay(
  engine: Engine,
  before: CategoryMatcher,
  after: CategoryMatcher,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const { token, key, from, to } of movedNames(engine, before, after, signal)) {
    const shown = JSON.stringify(key);
    const which =
      key === undefined
        ? 'a deleted object with a long key may come into another category'
        : (await isDeleted(engine, token, signal))
          ? `${shown} was deleted from the category "${from}", which keeps that for ${daysKept(engine)} days`
          : `${shown} is in the category "${from}" and would be in "${to}"`;
    throw new SecureStoreError(
      'CONFLICT',
      `${which}. Objects stay in the category that they were stored in, so new patterns can match new keys only. Nothing was changed.`,
      { key, advice: [{ id: 'migrate-reencrypted' }] },
    );
  }
}

/** @throws SecureStoreError `LOCKED` */
function checkMayClose({ head }: StoreState): void {
  if (head.migration !== undefined) {
    throw new SecureStoreError('LOCKED', `${UNCHANGEABLE}: the store is being migrated`, {
      reason: 'migrating',
      advice: [{ id: 'resume-migration' }, { id: 'cancel-migration' }],
    });
  }
  if (head.rotation !== undefined) {
    throw new SecureStoreError('LOCKED', `${UNCHANGEABLE}: a rotation is under way, or was interrupted`, {
      reason: 'rotating',
      advice: [
        { id: 'wait-for-job', job: ROTATION_JOB },
        { id: 'resume-job', job: ROTATION_JOB },
      ],
    });
  }
  if (head.state === 'open') return;
  throw new SecureStoreError('LOCKED', `${UNCHANGEABLE}: the store is ${head.state}`, { reason: REASONS[head.state] });
}

/** The keys with those of new categories. */
async function keyringAfter(
  engine: Engine,
  state: StoreState,
  map: CategoryMap,
  signal: AbortSignal | undefined,
): Promise<Pick<HeadEdit, 'keyring'>> {
  const added = map.categories.filter(({ name }) => !state.categories.names.includes(name)).map(({ id }) => id);
  return added.length === 0 ? {} : { keyring: await keyringWith(engine, state, 'category', added, signal) };
}

/**
 * Changes categories while the store is closed. A process that knows nothing of it writes nothing that it acknowledges as it was prepared, and what
 * it had acknowledged before is found when the keys are checked.
 */
async function changeCategories(
  engine: Engine,
  changes: SettingsChange,
  ifVersion: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { monitor } = engine;
  // What is wrong already is reported before anyone waits.
  const { categories } = monitor.state;
  await checkStay(engine, categories, categoryMatcher(mapAfter(monitor.state, changes, engine)), signal);
  let closed = 0;
  await commitHead(engine, { signal }, async (state) => {
    checkMayClose(state);
    checkVersion(state, ifVersion);
    closed = state.head.generation + 1;
    return { head: { state: 'closing' } };
  });
  let isChanged = false;
  try {
    await monitor.quiesce(signal);
    const { state } = monitor;
    const map = mapAfter(state, changes, engine);
    await checkStay(engine, state.categories, categoryMatcher(map), signal);
    isChanged = await commitHead(engine, { signal, checkMayChange: () => monitor.checkFollowing() }, async (now) => {
      const { head } = now;
      // Who waited for too long has opened it again.
      if (head.state !== 'closing' || head.generation !== closed) return undefined;
      const keys = await keyringAfter(engine, now, map, signal);
      return { head: { ...headAfter(now, changes), state: 'open' }, categories: map, ...keys };
    });
  } finally {
    if (!isChanged) await abortCutover(engine).catch(() => undefined);
  }
  if (isChanged) return;
  const message = 'another process reopened the store while its categories were being changed. Nothing was changed.';
  throw tryAgain('CONFLICT', message);
}

/** As {@link SettingsAdministration.change}. */
export async function changeSettings(
  engine: Engine,
  changes: SettingsChange,
  options: ChangeSettingsOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<Settings> {
  const { monitor } = engine;
  checkChange(changes);
  const ifVersion = versionIn(options);
  await monitor.refresh(signal);
  ownerKeys(monitor.state);
  checkVersion(monitor.state, ifVersion);
  headAfter(monitor.state, changes);
  const isRecategorised =
    changes.categories !== undefined &&
    asWritten(categoryMatcher(mapAfter(monitor.state, changes, engine))) !== asWritten(monitor.state.categories);
  if (isRecategorised) await changeCategories(engine, changes, ifVersion, signal);
  else {
    await commitHead(engine, { signal }, async (state) => {
      checkVersion(state, ifVersion);
      const head = headAfter(state, changes);
      return head && { head };
    });
  }
  return settingsOf(monitor.state);
}

/** As {@link SettingsAdministration.get}. */
export async function getSettings({ monitor }: Engine, signal: AbortSignal | undefined): Promise<Settings> {
  await monitor.refresh(signal);
  monitor.checkFollowing();
  return settingsOf(monitor.state);
}

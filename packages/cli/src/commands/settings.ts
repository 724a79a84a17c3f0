import { patternsMeet, SecureStoreError } from '@securestore/core-format';
import type { SecureStore, Settings, SettingsChange } from 'securestore';
import type { Call } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { parseCategories, parseCount } from '../call/parse-values.ts';
import { refusal, refuse, withHints } from '../errors/refuse.ts';
import { count, formatTable, printable } from '../terminal/terminal-text.ts';
import { watchWait } from '../terminal/wait-progress.ts';

/** The settings that can be given, of a new store and of one that there is. */
export interface SettingsOptions {
  readonly defineCategory?: readonly string[];
  readonly historyVersions?: string;
  readonly historyDays?: string;
  readonly rotationDays?: string;
  readonly ifVersion?: string;
}

export interface ChangeOptions extends SettingsOptions {
  readonly retireCategory?: readonly string[];
}

/** A pattern of everything below a folder. */
const FOLDER = /^[^*]+\/\*\*$/;

const COLUMNS = [{ title: 'SETTING' }, { title: '' }] as const;

/** The settings that the options change. */
export function changeIn(options: Omit<SettingsOptions, 'ifVersion'>): SettingsChange {
  const { defineCategory, historyVersions, historyDays, rotationDays } = options;
  const history = {
    ...(historyVersions === undefined ? {} : { versions: parseCount('--history-versions', historyVersions) }),
    ...(historyDays === undefined ? {} : { days: parseCount('--history-days', historyDays) }),
  };
  return {
    ...(defineCategory === undefined ? {} : { categories: parseCategories(defineCategory) }),
    ...(Object.keys(history).length === 0 ? {} : { history }),
    ...(rotationDays === undefined ? {} : { rotation: { days: parseCount('--rotation-days', rotationDays) } }),
  };
}

/** `securestore settings show`. */
export async function showSettings(call: Call): Promise<void> {
  await withStore(call, (store) => shown(call, store));
}

/** `securestore settings change`. */
export async function changeSettings(call: Call<ChangeOptions>): Promise<void> {
  const { retireCategory: retired = [], ...options } = call.options;
  const change = changeIn(options);
  if (Object.keys(change).length === 0 && retired.length === 0) {
    refuse(
      'settings change needs --define-category, --retire-category, --history-versions, --history-days or --rotation-days',
    );
  }
  const both = retired.find((name) => change.categories !== undefined && Object.hasOwn(change.categories, name));
  if (both !== undefined) refuse(`the category ${JSON.stringify(both)} is both defined and retired`);
  await withStore(call, async (store) => {
    const given = Object.keys(change.categories ?? {});
    await changed(call, store, { ...(await mergedChange(call, store, change, retired)), given });
  });
}

type Categories = Settings['categories'];

/** The categories that are given are added to those of the store, since a change of the library names all of them. */
async function mergedChange(
  { cli, options }: Call<ChangeOptions>,
  store: SecureStore,
  change: SettingsChange,
  retired: readonly string[],
): Promise<Changing> {
  const { ifVersion } = options;
  if (change.categories === undefined && retired.length === 0) return { change, ifVersion };
  const { categories: before, version } = await store.settings.get({ signal: cli.signal });
  const unknown = retired.find((name) => !Object.hasOwn(before, name));
  if (unknown !== undefined) {
    throw refusal('NOT_FOUND', `the category ${JSON.stringify(unknown)} does not exist. Nothing was changed.`, {
      hints: [{ text: 'to list the categories', on: ['settings', 'show'] }],
    });
  }
  const categories = mergeCategories(before, change.categories ?? {}, retired);
  return { change: { ...change, categories }, ifVersion: ifVersion ?? version };
}

/** Those that the store has keep their order, in which patterns decide; new ones follow. */
function mergeCategories(before: Categories, given: Categories, retired: readonly string[]): Categories {
  return { ...before, ...given, ...Object.fromEntries(retired.map((name) => [name, []])) };
}

/** Lines about keys that match a pattern of a category that was given, and one of another category. */
function overlaps(categories: Categories, given: readonly string[]): string[] {
  const rules = Object.entries(categories).flatMap(([name, patterns]) =>
    patterns.map((pattern) => ({ name, pattern })),
  );
  return rules.flatMap(({ name, pattern }, at) => {
    const first = rules.slice(0, at).find((one) => one.name !== name && patternsMeet(one.pattern, pattern));
    if (first === undefined || !(given.includes(name) || given.includes(first.name))) return [];
    return [`note: keys that match both ${first.pattern} and ${pattern} belong to ${first.name}, which comes first`];
  });
}

async function shown({ cli, out }: Call, store: SecureStore): Promise<void> {
  const found = await store.settings.get({ signal: cli.signal });
  await out.result(found, () => formatTable(COLUMNS, rowsOf(found)));
}

/** A change of settings, and the version that they must have. */
interface Changing {
  readonly change: SettingsChange;
  readonly ifVersion: string | undefined;
}

/** An error about an object that would come into another category, with the way to have it there. */
function withWayToShare(error: unknown, categories: Categories, given: readonly string[]): unknown {
  if (!SecureStoreError.is(error, 'CONFLICT') || error.key === undefined) return error;
  const { key } = error;
  const folders = given.flatMap((name) =>
    (categories[name] ?? []).flatMap((pattern) =>
      FOLDER.test(pattern) ? [{ name, folder: pattern.slice(0, -2) }] : [],
    ),
  );
  const found = folders.find(({ folder }) => key.startsWith(folder));
  if (found === undefined) return error;
  return withHints(error, {
    text: 'to move its objects into the category, under new keys, and share them',
    on: ['member', 'add', 'NAME', 'RECIPIENT'],
    options: { category: found.name, prefix: found.folder, into: 'NEW_FOLDER/' },
  });
}

async function changed(
  { cli, out }: Call,
  store: SecureStore,
  { change, ifVersion, given }: Changing & { readonly given: readonly string[] },
): Promise<void> {
  if (change.categories !== undefined) {
    out.note('looking through the names of the store, which answers nothing else for some seconds');
  }
  const condition = ifVersion === undefined ? {} : { ifVersion };
  const found = await watchWait(
    cli,
    'settings change: waiting for other processes',
    store.settings.change(change, { ...condition, signal: cli.signal }).catch((error: unknown) => {
      throw withWayToShare(error, change.categories ?? {}, given);
    }),
  );
  await out.result(found, () => ['changed the settings', ...formatTable(COLUMNS, rowsOf(found))]);
  for (const line of overlaps(found.categories, given)) out.note(printable(line));
  if (change.history !== undefined)
    out.note('garbage collection removes versions that the history no longer keeps, within a day');
}

/** The versions that the history keeps. Garbage collection removes nothing that is younger than a day. */
function historyText({ versions, days }: Settings['history']): string {
  const since = days === 0 ? 'a day' : count(days, 'day');
  return `${count(versions, 'older version')} of each object, and all that were replaced less than ${since} ago`;
}

function rowsOf({ version, categories, history, rotation, names, suite, journal }: Settings): string[][] {
  return [
    ...Object.entries(categories).map(([name, patterns]) => [
      `category ${printable(name)}`,
      patterns.length === 0 ? 'retired: no patterns, and no more objects' : patterns.map(printable).join(' '),
    ]),
    ['history', historyText(history)],
    ['rotation', rotation.days === 0 ? 'never by itself' : `when keys are ${rotation.days} days old`],
    ['names', names],
    ['suite', String(suite)],
    ['journal', journal ? 'on' : 'off, until something reads it'],
    ['version', version],
  ];
}

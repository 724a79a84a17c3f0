import type { SecureStore, Settings, SettingsChange } from 'securestore';
import type { Call } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { parseCategories, parseCount } from '../call/parse-values.ts';
import { refuse } from '../errors/refuse.ts';
import { formatTable, printable } from '../terminal/terminal-text.ts';
import { watchWait } from '../terminal/wait-progress.ts';

/** The settings that can be given, of a new store and of one that there is. */
export interface SettingsOptions {
  readonly defineCategory?: readonly string[];
  readonly historyVersions?: string;
  readonly historyDays?: string;
  readonly rotationDays?: string;
  readonly ifVersion?: string;
}

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
export async function changeSettings(call: Call<SettingsOptions>): Promise<void> {
  const change = changeIn(call.options);
  if (Object.keys(change).length === 0) {
    refuse('settings change needs --define-category, --history-versions, --history-days or --rotation-days');
  }
  await withStore(call, (store) => changed(call, store, change, call.options.ifVersion));
}

async function shown({ cli, out }: Call, store: SecureStore): Promise<void> {
  const found = await store.settings.get({ signal: cli.signal });
  await out.result(found, () => formatTable(COLUMNS, rowsOf(found)));
}

async function changed(
  { cli, out }: Call,
  store: SecureStore,
  change: SettingsChange,
  ifVersion: string | undefined,
): Promise<void> {
  if (change.categories !== undefined) {
    out.note('looking through the names of the store, which answers nothing else for some seconds');
  }
  const condition = ifVersion === undefined ? {} : { ifVersion };
  const found = await watchWait(
    cli,
    'settings change: waiting for other processes',
    store.settings.change(change, { ...condition, signal: cli.signal }),
  );
  await out.result(found, () => ['changed the settings', ...formatTable(COLUMNS, rowsOf(found))]);
  if (change.history !== undefined)
    out.note('garbage collection removes versions that the history no longer keeps, within a day');
}

function rowsOf({ version, categories, history, rotation, names, suite, journal }: Settings): string[][] {
  const { versions, days } = history;
  return [
    ...Object.entries(categories).map(([name, patterns]) => [
      `category ${printable(name)}`,
      patterns.length === 0 ? 'no patterns: it gets no more objects' : patterns.map(printable).join(' '),
    ]),
    ['history', `${versions} versions, and whatever is younger than ${days} days`],
    ['rotation', rotation.days === 0 ? 'never by itself' : `when keys are ${rotation.days} days old`],
    ['names', names],
    ['suite', String(suite)],
    ['journal', journal ? 'on' : 'off, until something reads it'],
    ['version', version],
  ];
}

import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore } from 'securestore';
import type { Call } from '../call/call.ts';
import type { OwnHint } from '../errors/hints.ts';
import { withHints } from '../errors/refuse.ts';
import { isRemote } from '../store/served.ts';

const LOST = ', though older versions do: its newest version was lost, and not deleted';

/** Looking for keys that a person may have meant takes no longer, in milliseconds. */
const LOOK_FOR = 1000;

/** So many characters of a key, at least, are looked for. */
const LEAST = 3;

/** How many keys are below a folder; none if that cannot be found out soon. */
async function keysBelow({ cli }: Call, store: SecureStore, folder: string): Promise<number> {
  // A server would record one more attempt of somebody who may not list keys.
  if (isRemote(store)) return 0;
  try {
    const signal = AbortSignal.any([cli.signal, AbortSignal.timeout(LOOK_FOR)]);
    return (await store.list(folder, { signal })).length;
  } catch {
    return 0;
  }
}

async function isAudited({ cli }: Pick<Call, 'cli'>, store: SecureStore): Promise<boolean> {
  if (isRemote(store)) return false;
  try {
    return (await store.audit.state({ signal: cli.signal })).on;
  } catch {
    return false;
  }
}

/**
 * Whether older versions of an object exist while its newest one is missing: a deletion would be the newest one. A caller who may not
 * see the history is not told.
 */
export async function hasLostNewest(call: Call, store: SecureStore, key: string): Promise<boolean> {
  if (isRemote(store) || (await isAudited(call, store))) return false;
  const { cli } = call;
  try {
    const signal = AbortSignal.any([cli.signal, AbortSignal.timeout(LOOK_FOR)]);
    const entries = await store.history(key, { signal });
    return entries.length > 0 && entries.every(({ current }) => !current);
  } catch {
    return false;
  }
}

/** The URL of the first destination of the store; a placeholder if it has none, or the caller may not see it. */
export async function backupOf(store: SecureStore): Promise<string> {
  try {
    return (await store.backups.destinations())[0]?.url ?? 'BACKUP';
  } catch {
    return 'BACKUP';
  }
}

/** The beginning of the last part of a key: its end is where a person most likely mistyped it. */
function toFind(key: string): string {
  const last = Array.from(key.split('/').at(-1) ?? key);
  return last.slice(0, Math.max(LEAST, Math.ceil(last.length / 2))).join('');
}

/** Hints for a key that is not in a snapshot of a backup. The versions are suggested only if the store or the backup has some. */
export async function notInSnapshot(
  { cli, options: { snapshot, at } }: Call<{ readonly snapshot?: string; readonly at?: string }>,
  store: SecureStore,
  key: string,
  source: string,
): Promise<OwnHint[]> {
  const find: OwnHint = {
    text: 'to find similar keys there',
    on: ['find', toFind(key), source],
    options: { snapshot, at },
  };
  const text = 'to list the versions, and the snapshots that have them';
  const versions: OwnHint = { text, on: ['history', key], options: { backup: source } };
  if (isRemote(store) || (await isAudited({ cli }, store))) return [find, versions];
  try {
    const signal = AbortSignal.any([cli.signal, AbortSignal.timeout(LOOK_FOR)]);
    await store.recoveryPoints.versions(key, { destination: source, signal });
    return [versions, find];
  } catch (error) {
    return SecureStoreError.is(error, 'NOT_FOUND') ? [find] : [find, versions];
  }
}

/** The folder that a key is in, with `/`; empty for the root. */
const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1);

/** How to find other keys; nothing is suggested that would find none, as far as that is known soon. */
async function toFindOthers({ cli }: Call, store: SecureStore, key: string): Promise<readonly OwnHint[]> {
  const [folder, text] = [folderOf(key), toFind(key)];
  const find: OwnHint = { text: 'to find similar keys', on: ['find', text] };
  const all: OwnHint = { text: 'to list the keys', on: ['ls'] };
  const list: OwnHint =
    folder === '' ? all : { text: `to list the keys below ${JSON.stringify(folder)}`, on: ['ls', folder] };
  // A server would record one more attempt, perhaps of a caller who may not list keys.
  if (isRemote(store)) return [folder === '' ? find : list];
  const signal = AbortSignal.any([cli.signal, AbortSignal.timeout(LOOK_FOR)]);
  let [hasKeys, hasFolder] = [false, false];
  try {
    for await (const one of store.keys('', { signal })) {
      if (one.toLowerCase().includes(text.toLowerCase())) return [find];
      hasKeys = true;
      hasFolder ||= one.startsWith(folder);
    }
  } catch {
    return [hasFolder && folder !== '' ? list : find];
  }
  if (!hasKeys) return [];
  return [hasFolder ? list : all];
}

const areBelow = (number: number, folder: string): string =>
  number === 1 ? `1 key is below ${folder}` : `${number} keys are below ${folder}`;

/**
 * What `use` gives. If there is no object under a key, its error says which keys a person may have meant.
 *
 * @param isFolder what to do if the key is the folder of others; by default, how to list them
 */
export async function withNearKeys<T>(
  call: Call,
  store: SecureStore,
  key: string,
  use: () => Promise<T>,
  isFolder?: string,
): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (!SecureStoreError.is(error, 'NOT_FOUND') || error.key !== key) throw error;
    if (error.advice === undefined && (await hasLostNewest(call, store, key))) {
      const lost = SecureStoreError.from(error, {
        message: error.message + LOST,
        detail: error.detail + LOST,
      });
      const backup = await backupOf(store);
      throw withHints(
        lost,
        { text: 'to see the older versions', on: ['history', key] },
        { text: 'to repair it from a backup', on: ['scrub'], options: { repair: backup } },
        { text: 'to restore it from a backup as a new version', on: ['restore', backup], options: { key } },
      );
    }
    const folder = `${key}/`;
    const number = await keysBelow(call, store, folder);
    if (number > 0) {
      const below = areBelow(number, JSON.stringify(folder));
      const hint: OwnHint =
        isFolder === undefined
          ? { text: `${below}; to list ${number === 1 ? 'it' : 'them'}`, on: ['ls', folder] }
          : { text: `${below}; ${isFolder}` };
      throw withHints(error, hint);
    }
    if (error.advice !== undefined) throw error;
    // The look would be one more failed attempt in the log, which the person has not made.
    if (await isAudited(call, store)) {
      const older: OwnHint = { text: 'to see whether older versions exist', on: ['history', key] };
      throw withHints(error, older, ...(await toFindOthers(call, store, key)));
    }
    throw withHints(error, ...(await toFindOthers(call, store, key)));
  }
}

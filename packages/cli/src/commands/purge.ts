import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { SecureStore } from 'securestore';
import { withNearKeys } from '../object/near-keys.ts';
import type { Call } from '../call/call.ts';
import { withStoreToDelete } from '../store/open.ts';
import { confirmDestruction } from '../secret/prompt.ts';
import { isRemote } from '../store/served.ts';
import { printable } from '../terminal/terminal-text.ts';

function nothingThere(key: string): SecureStoreError {
  return new SecureStoreError('NOT_FOUND', 'the object does not exist, and has no history', { key });
}

/**
 * Lets a person agree, unless there is nothing to agree to. What can't be read can be purged, and is asked about. What was purged
 * before is not: that may have been stopped half-way, and is finished unless somebody has stored the object again.
 */
async function confirmPurge(
  { cli, options }: Call,
  store: SecureStore,
  key: string,
): Promise<Parameters<SecureStore['purge']>[1]> {
  if (options.yes === true) return {};
  let what = 'with all its versions';
  try {
    const versions = await store.history(key, { signal: cli.signal });
    const [newest] = versions;
    if (newest !== undefined && versions.every(({ purged }) => purged)) return { ifVersion: newest.version };
    what = `with ${versions.length === 1 ? 'its 1 version' : `all its ${versions.length} versions`}`;
  } catch (error) {
    if (SecureStoreError.is(error, 'NOT_FOUND')) throw nothingThere(key);
    cli.signal.throwIfAborted();
  }
  await confirmDestruction(cli, options.yes, `Destroy ${printable(key)} ${what}, for good?`);
  return {};
}

/** Says that earlier snapshots are not changed. A server may not name the destinations to its caller. */
async function noteBackups({ out }: Call, store: SecureStore): Promise<void> {
  if (isRemote(store) || out.json) return;
  const destinations = await store.backups.destinations();
  if (destinations.length === 0) return;
  const places = destinations.map(({ url }) => printable(url)).join(', ');
  out.note(`snapshots that have the object keep it until retention removes them, at: ${places}`);
}

/** `securestore purge`. @throws `NOT_FOUND` where nothing is known of that name. */
export async function purge(call: Call, key: string): Promise<void> {
  const { cli, out } = call;
  parseStoreKey(key);
  await withStoreToDelete(call, async (store) => {
    await withNearKeys(call, store, key, async () => {
      const condition = await confirmPurge(call, store, key);
      if (!(await store.purge(key, { ...condition, signal: cli.signal }))) throw nothingThere(key);
    });
    await out.result({ key, purged: true }, () => `purged ${printable(key)} and its history`);
    await noteBackups(call, store);
  });
}

import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { Call } from '../call/call.ts';
import { Commands } from '../errors/hints.ts';
import { withNearKeys } from '../object/near-keys.ts';
import { withStoreToDelete } from '../store/open.ts';
import { printable } from '../terminal/terminal-text.ts';

export interface RmOptions {
  readonly ifVersion?: string;
}

/** `securestore rm`. @throws `NOT_FOUND` where there is no such object, `CONFLICT` where it has another version. */
export async function rm(call: Call<RmOptions>, key: string): Promise<void> {
  parseStoreKey(key);
  await withStoreToDelete(call, async (store) => {
    const { ifVersion } = call.options;
    const condition = ifVersion === undefined ? {} : { ifVersion };
    await withNearKeys(call, store, key, async () => {
      if (await store.delete(key, { ...condition, signal: call.cli.signal })) return;
      throw new SecureStoreError('NOT_FOUND', 'the object does not exist', { key });
    });
    const restore = new Commands(call).on(['undelete', key]);
    await call.out.result({ key, deleted: true }, () => printable(`deleted ${key}; to restore it: ${restore}`));
  });
}

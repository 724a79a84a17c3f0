import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { Call } from '../call.ts';
import { withStoreToDelete } from '../open.ts';
import { confirmDestruction } from '../prompt.ts';
import { printable } from '../terminal-text.ts';

/** `securestore purge`. @throws `NOT_FOUND` where nothing is known of that name. */
export async function purge(call: Call, key: string): Promise<void> {
  const { cli, out, options } = call;
  parseStoreKey(key);
  await withStoreToDelete(call, async (store) => {
    await confirmDestruction(cli, options.yes, `Destroy ${printable(key)} with all its versions, for good?`);
    if (!(await store.purge(key, { signal: cli.signal }))) {
      throw new SecureStoreError('NOT_FOUND', 'no such object, and no history of one', { key });
    }
    await out.result({ key, purged: true }, () => `purged ${printable(key)} and its history`);
  });
}

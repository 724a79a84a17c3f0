import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { Call } from '../call/call.ts';
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
    if (!(await store.delete(key, { ...condition, signal: call.cli.signal }))) {
      throw new SecureStoreError('NOT_FOUND', 'the object does not exist', { key });
    }
    await call.out.result({ key, deleted: true }, () => `deleted ${printable(key)}; securestore undelete restores it`);
  });
}

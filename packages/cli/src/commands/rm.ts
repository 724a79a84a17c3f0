import { SecureStoreError } from '@securestore/core-format';
import type { Call } from '../call.ts';
import { withStore } from '../open.ts';
import { printable } from '../terminal-text.ts';

/** `securestore rm`. @throws `NOT_FOUND` where there is no such object. */
export async function rm(call: Call, key: string): Promise<void> {
  await withStore(call, async (store) => {
    if (!(await store.delete(key, { signal: call.cli.signal }))) {
      throw new SecureStoreError('NOT_FOUND', 'no such object', { key });
    }
    await call.out.result(
      { key, deleted: true },
      () => `deleted ${printable(key)}; securestore undelete brings it back`,
    );
  });
}

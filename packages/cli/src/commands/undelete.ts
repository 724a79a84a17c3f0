import { parseStoreKey } from '@securestore/core-format';
import type { Call } from '../call.ts';
import { formatSize, infoRecord } from '../object-text.ts';
import { withStore } from '../open.ts';
import { printable } from '../terminal-text.ts';

/** `securestore undelete`. */
export async function undelete(call: Call, key: string): Promise<void> {
  parseStoreKey(key);
  await withStore(call, async (store) => {
    const info = await store.undelete(key, { signal: call.cli.signal });
    await call.out.result(
      infoRecord(info),
      () => `brought back ${printable(key)}, ${formatSize(info.size)}, version ${info.version}`,
    );
  });
}

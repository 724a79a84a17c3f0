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
    await call.out.result(infoRecord(info), () => {
      // Whoever may not read the object is not told its size.
      const size = info.size === undefined ? '' : `, ${formatSize(info.size)}`;
      return `brought back ${printable(key)}${size}, version ${info.version}`;
    });
  });
}

import { parseStoreKey } from '@securestore/core-format';
import type { Call } from '../call/call.ts';
import { formatSize, infoRecord } from '../object/object-text.ts';
import { withStore } from '../store/open.ts';
import { printable } from '../terminal/terminal-text.ts';

/** `securestore undelete`. */
export async function undelete(call: Call, key: string): Promise<void> {
  parseStoreKey(key);
  await withStore(call, async (store) => {
    const info = await store.undelete(key, { signal: call.cli.signal });
    await call.out.result(infoRecord(info), () => {
      // Whoever may not read the object is not told its size.
      const size = info.size === undefined ? '' : `, ${formatSize(info.size)}`;
      return `undeleted ${printable(key)}${size}, version ${info.version}`;
    });
  });
}

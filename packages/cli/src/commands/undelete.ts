import { parseStoreKey } from '@securestore/core-format';
import type { Call } from '../call/call.ts';
import { formatSize, infoRecord } from '../object/object-text.ts';
import { withStore } from '../store/open.ts';
import { printable } from '../terminal/terminal-text.ts';

export interface UndeleteOptions {
  readonly versionId?: string;
}

/** `securestore undelete`. */
export async function undelete(call: Call<UndeleteOptions>, key: string): Promise<void> {
  parseStoreKey(key);
  const { versionId } = call.options;
  await withStore(call, async (store) => {
    const { signal } = call.cli;
    const info = await (versionId === undefined
      ? store.undelete(key, { signal })
      : store.restoreVersion(key, versionId, { ifAbsent: true, signal }));
    await call.out.result(infoRecord(info), () => {
      // Whoever may not read the object is not told its size.
      const size = info.size === undefined ? '' : `, ${formatSize(info.size)}`;
      return `undeleted ${printable(key)}${size}, version ${info.version}`;
    });
  });
}

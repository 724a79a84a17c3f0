import { parseStoreKey } from '@securestore/core-format';
import type { Call } from '../call/call.ts';
import { infoLines, infoRecord } from '../object/object-text.ts';
import { withNearKeys } from '../object/near-keys.ts';
import { withStore } from '../store/open.ts';

/** `securestore info`. */
export async function info(call: Call, key: string): Promise<void> {
  parseStoreKey(key);
  await withStore(call, async (store) => {
    const found = await withNearKeys(call, store, key, () => store.info(key, { signal: call.cli.signal }));
    await call.out.result(infoRecord(found), () => infoLines(found, call.out.name));
  });
}

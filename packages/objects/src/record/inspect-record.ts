import type { RecordHeader } from '@securestore/core-format';
import { asBuffer, SecureStoreError, splitRecord } from '@securestore/core-format';
import type { KeyVersionInfo } from '@securestore/crypto';
import { recordDigest } from '@securestore/crypto';
import type { Engine } from '../engine/engine.ts';
import { openOfToken } from './stable-read.ts';
import type { OpenedRecord } from './open-record.ts';
import { isRetired, openByToken } from './open-record.ts';
import type { StoreState } from '../head/store-state.ts';

/** What lies at the name of a record. */
export type Inspection =
  | { readonly state: 'absent' }
  | { readonly state: 'sound'; readonly header: RecordHeader; readonly digest: Buffer; readonly opened: OpenedRecord }
  /** Its keys have been destroyed: its digest is known, and nothing says whether it is what was stored. */
  | {
      readonly state: 'destroyed';
      readonly header: RecordHeader;
      readonly digest: Buffer;
      /** Whether they are only to be, so that it may be opened again. */
      readonly undoable: boolean;
    }
  | {
      readonly state: 'damaged';
      readonly reason: string;
      /** Whether it names a key version that has been retired. */
      readonly retired: boolean;
    };

/** Whether the keys of a whole category wait to be destroyed. */
function isUndoable({ keys }: StoreState, { categoryId }: RecordHeader): boolean {
  const isOwn = ({ groupId }: KeyVersionInfo): boolean => groupId.equals(asBuffer(categoryId));
  return keys.isDestroyed(categoryId) && keys.versions.some((info) => info.destroyAt > 0 && isOwn(info));
}

/**
 * Reads and authenticates the record at a backend name. What is wrong with it is a result, not an error.
 *
 * @param token of the object whose record it is
 * @throws SecureStoreError what concerns more than this record, such as `UNAVAILABLE` and `LOCKED`
 */
export async function inspectRecord(
  engine: Engine,
  token: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Inspection> {
  let retired = false;
  try {
    const found = await engine.backend.read(name, { signal });
    if (found === undefined) return { state: 'absent' };
    const record = splitRecord(found.body);
    const digest = recordDigest(record);
    try {
      const opened = await openOfToken(engine, openByToken, token, found.body, signal);
      return { state: 'sound', header: opened.header, digest, opened };
    } catch (error) {
      if (SecureStoreError.is(error, 'KEY_DESTROYED')) {
        const undoable = isUndoable(engine.monitor.state, record.header);
        return { state: 'destroyed', header: record.header, digest, undoable };
      }
      retired = isRetired(engine.monitor.state, found.body);
      throw error;
    }
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    const { code, message: reason } = error;
    if (code !== 'INTEGRITY' && code !== 'FORMAT_VERSION' && code !== 'INVALID_KEY') throw error;
    return { state: 'damaged', reason, retired };
  }
}

import type { RecordHeader, StoreKey } from '@securestore/core-format';
import { encodeBase32, objectName, SecureStoreError, splitRecord } from '@securestore/core-format';
import type { LocatedName } from '@securestore/crypto';
import type { OpenedRecord } from '../../record/open-record.ts';
import { openLoose } from '../../record/open-record.ts';
import { withNewestKeys } from '../../record/stable-read.ts';
import type { Pass } from './pass.ts';

/** What lies at the name of an object now. */
export interface CurrentRecord {
  readonly header: RecordHeader;
  /** `undefined` where its key has been destroyed. */
  readonly opened: OpenedRecord | undefined;
  readonly etag: string;
  readonly modified: number;
  readonly size: number;
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`, and what the backend throws */
export async function currentRecord({ engine, signal }: Pass, token: string): Promise<CurrentRecord | undefined> {
  const found = await engine.backend.read(objectName(token), { signal });
  if (found === undefined) return undefined;
  const { body, modified, size } = found;
  const common = { etag: found.etag ?? '', modified, size };
  const locate = (key: StoreKey): LocatedName => engine.names.locate(key);
  try {
    const opened = await withNewestKeys(engine, body, (state) => openLoose(state, body, locate, token), signal);
    return { header: opened.header, opened, ...common };
  } catch (error) {
    if (!SecureStoreError.is(error, 'KEY_DESTROYED')) throw error;
    return { header: splitRecord(body).header, opened: undefined, ...common };
  }
}

/** The blob that the record names, in base32. */
export function blobIn(record: CurrentRecord | undefined): string | undefined {
  const blob = record?.header.blob;
  return blob === undefined ? undefined : encodeBase32(blob.blobId);
}

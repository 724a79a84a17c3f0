import type { ErrorCode, RecordHeader } from '@securestore/core-format';
import { SecureStoreError, splitRecord } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import type { Target } from '../record/open-record.ts';
import { openAt, originOf } from '../record/open-record.ts';
import { withRefreshedKeys } from '../record/stable-read.ts';
import { succession } from './commit/supersede-damaged.ts';

/** The record of an object that is to be purged, as far as it opens: a damaged object can be purged too. */
export interface Remains {
  readonly header: RecordHeader | undefined;
  /** Whether the header is authentic. */
  readonly sound: boolean;
  /** The version with which its history begins; 0 if no authentic record says so. */
  readonly origin: number;
  /** If the record is missing: the newest version, as far as its history and the checkpoint tell. */
  readonly lost?: number;
}

/** Errors of records that are damaged, or that nothing opens any more. */
const UNSOUND: ReadonlySet<ErrorCode> = new Set(['INTEGRITY', 'FORMAT_VERSION', 'KEY_DESTROYED']);

/** The remains of an object whose record is there, as far as that opens. */
export async function inspectRemains(
  engine: Engine,
  target: Target,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Remains> {
  try {
    const opened = await withRefreshedKeys(engine, bytes, (state) => openAt(state, target, bytes), signal);
    return { header: opened.header, sound: true, origin: originOf(opened) };
  } catch (error) {
    if (!SecureStoreError.is(error) || !UNSOUND.has(error.code)) throw error;
  }
  try {
    return { header: splitRecord(bytes).header, sound: false, origin: 0 };
  } catch (error) {
    if (SecureStoreError.is(error)) return { header: undefined, sound: false, origin: 0 };
    throw error;
  }
}

/** The remains of an object whose record was lost. */
export async function lostRemains(engine: Engine, target: Target, signal: AbortSignal | undefined): Promise<Remains> {
  // An attacker could choose the names in the history so that they exhaust the versions: they tell nothing.
  const { version } = await succession(engine, target, undefined, signal);
  return { header: undefined, sound: false, origin: 0, lost: version };
}

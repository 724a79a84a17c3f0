import { SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import type { RestoreJobReport, RestoreOptions, RestoreStoreJobOptions } from './restore-types.ts';
import type { Destination } from '../repository/destination.ts';
import type { RestoreFacts, RestoreReceipt } from './receipts.ts';
import {
  readReceipt,
  readRestoreReceipt,
  receiptsOf,
  rememberReceipt,
  RESTORE_RECEIPT_USE,
  signFacts,
} from './receipts.ts';
import type { RestoreReport } from './restore-store.ts';

/** Who restores where no session does, as the audit log has it. */
const ROOT = '[owner]';

type DestinationRef = Pick<Destination, 'id' | 'url'>;
/** A report that is not signed yet. */
type Unsigned = Omit<RestoreJobReport, 'receipt' | 'estimate' | 'before'>;

/** What the receipt of a new store says of the objects that were there before: there were none. */
const NOTHING_REPLACED = { replaced: 0, renamed: 0, skipped: 0, unchanged: 0, deleted: 0, verified: 0, digest: '' };

type Chosen = Pick<RestoreOptions, 'at' | 'prefix' | 'by'>;
type Done = Pick<Unsigned, 'snapshot' | 'time' | 'took'> & { readonly failed: readonly unknown[] };

/** Signs what was done, and remembers it. A member can't sign for the store, so there is no receipt then. */
async function signed(
  area: BackupArea,
  { id, url }: DestinationRef,
  { at, prefix, by = ROOT }: Chosen,
  { snapshot, time, took, failed }: Done,
  begun: number,
  facts: Omit<RestoreFacts, keyof Chosen | keyof Done | 'fingerprint' | 'source' | 'begun' | 'ok'>,
): Promise<{ receipt?: RestoreReceipt }> {
  if (area.isMember) return {};
  const all: RestoreFacts = {
    fingerprint: area.fingerprint,
    source: url,
    snapshot,
    time: time.toISOString(),
    ...(at !== undefined && { at: at.toISOString() }),
    begun: new Date(begun).toISOString(),
    took,
    by,
    ...(prefix !== undefined && { prefix }),
    ...facts,
    failed: failed.length,
    ok: failed.length === 0,
  };
  const receipt = signFacts(area, RESTORE_RECEIPT_USE, all);
  await rememberReceipt(area, id, 'restore', receipt);
  return { receipt };
}

/** The receipt of a restore into the store. @param begun in milliseconds since 1970 */
export function receiptFor(
  area: BackupArea,
  destination: DestinationRef,
  options: RestoreOptions,
  report: Unsigned,
  begun: number,
): Promise<{ receipt?: RestoreReceipt }> {
  const { keys, into, conflict = 'fail', deleteExtra = false } = options;
  const { created, replaced, renamed, skipped, unchanged, deleted, bytes, verified, digest } = report;
  const counts = { created, replaced, renamed, skipped, unchanged, deleted, bytes, verified, digest };
  return signed(area, destination, options, report, begun, {
    ...(keys !== undefined && { keys: keys.length }),
    ...(into !== undefined && { into }),
    conflict,
    deleteExtra,
    ...counts,
  });
}

/** The receipt of a new store that was made of a point. */
export function receiptForStore(
  area: BackupArea,
  destination: DestinationRef,
  to: string,
  options: RestoreStoreJobOptions,
  { objects: created, bytes, ...report }: RestoreReport,
  took: number,
): Promise<{ receipt?: RestoreReceipt }> {
  const facts = { to, conflict: 'fail', deleteExtra: false, created, bytes, ...NOTHING_REPLACED };
  return signed(area, destination, options, { ...report, took }, area.clock.now() - took, facts);
}

/** How long something took, and how much it was. */
interface Measured {
  readonly took: number;
  readonly objects: number;
  readonly bytes: number;
}

/** What the last restore of this backup that wrote something has shown, or its last good drill. */
async function measuredAt(area: BackupArea, { id }: DestinationRef): Promise<Measured | undefined> {
  const { drills, restores } = await receiptsOf(area, id);
  const all = [
    ...restores.map(({ time, receipt }) => {
      const { took, created, replaced, renamed, bytes } = readRestoreReceipt(receipt, area.fingerprint);
      return { time, took, objects: created + replaced + renamed, bytes };
    }),
    ...drills.map(({ time, receipt }) => {
      const { recovery: took, objects, bytes, ok } = readReceipt(receipt, area.fingerprint);
      return { time, took, objects: ok ? objects : 0, bytes };
    }),
  ].filter(({ objects, took }) => objects > 0 && took > 0);
  return all.toSorted((a, b) => b.time.getTime() - a.time.getTime())[0];
}

/** How much of what was measured there is now. */
function share(now: number, then: number): number {
  return then === 0 ? 0 : now / then;
}

/** How long restoring what a dry run has found may take, going by what was measured before. */
export async function estimateOf(
  area: BackupArea,
  destination: DestinationRef,
  { created, replaced, renamed, bytes }: Pick<Unsigned, 'created' | 'replaced' | 'renamed' | 'bytes'>,
): Promise<{ estimate?: number }> {
  try {
    const measured = await measuredAt(area, destination);
    if (measured === undefined) return {};
    const factor = Math.max(share(created + replaced + renamed, measured.objects), share(bytes, measured.bytes));
    return { estimate: Math.ceil(measured.took * factor) };
  } catch (error) {
    // What is remembered is of another identity, or can't be had: nothing is known then.
    if (!SecureStoreError.is(error)) throw error;
    return {};
  }
}

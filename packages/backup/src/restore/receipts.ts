import { SecureStoreError } from '@securestore/core-format';
import { fingerprintOf, verifyAs } from '@securestore/crypto';
import type { SharedState } from '@securestore/jobs';
import { isCount, isObject } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';
import { rememberIfPossible, stateAbout } from '../repository/destination-state.ts';

/** Facts as text, and the signature of the store identity over them. */
export interface SignedFacts {
  readonly facts: string;
  /** The Ed25519 public key of the store identity, in base64url. */
  readonly identity: string;
  readonly signature: string;
}

/** Signs facts as the store. @param use what they are of, which a signature is bound to @throws SecureStoreError `ACCESS_DENIED` for a member */
export function signFacts(area: BackupArea, use: string, facts: object): SignedFacts {
  const text = JSON.stringify(facts);
  const signature = area.sign(use, Buffer.from(text)).toString('base64url');
  return { facts: text, identity: Buffer.from(area.head.identity).toString('base64url'), signature };
}

/** Reads facts that a store has signed. @throws SecureStoreError `INTEGRITY` if it has not */
function signedFacts(signed: SignedFacts, use: string, fingerprint: string): unknown {
  const { facts, identity, signature } = Object(signed) as Partial<Record<keyof SignedFacts, unknown>>;
  if (typeof facts === 'string' && typeof identity === 'string' && typeof signature === 'string') {
    const key = Buffer.from(identity, 'base64url');
    const isSigned =
      key.length === 32 &&
      fingerprintOf(key) === fingerprint &&
      verifyAs(key, use, Buffer.from(facts), Buffer.from(signature, 'base64url'));
    if (isSigned) return JSON.parse(facts) as unknown;
  }
  throw new SecureStoreError('INTEGRITY', 'the receipt is not signed by this store');
}

/** Domain label of the signature of a receipt. */
export const RECEIPT_USE = 'drill receipt';

/** What a drill has shown. Times are ISO 8601. */
export interface DrillFacts {
  readonly fingerprint: string;
  readonly destination: string;
  readonly snapshot: number;
  /** The moment that was restored. */
  readonly time: string;
  /** When the drill began, and how long restoring took, in milliseconds: what a recovery would take. */
  readonly begun: string;
  readonly recovery: number;
  /** Objects that were restored. */
  readonly objects: number;
  /** Objects that the snapshot has; absent for a moment between two snapshots, and in receipts of earlier releases. */
  readonly total?: number;
  readonly versions: number;
  readonly bytes: number;
  /** Objects that were compared with the store as it was at that moment; 0 if there was no store to compare with. */
  readonly compared: number;
  /** What was wrong, at most 100 of it. Objects have no names in it: `object`, and a digest that only the store can make. */
  readonly problems: readonly string[];
  readonly found: number;
  readonly ok: boolean;
}

/** A receipt of {@link DrillFacts}. */
export type DrillReceipt = SignedFacts;

/**
 * Reads a receipt.
 *
 * @param fingerprint of the store that is to have signed it
 * @throws SecureStoreError `INTEGRITY` if it is none, or another store's
 */
export function readReceipt(receipt: DrillReceipt, fingerprint: string): DrillFacts {
  return signedFacts(receipt, RECEIPT_USE, fingerprint) as DrillFacts;
}

/** What a restore has done. Times are ISO 8601. */
export interface RestoreFacts {
  /** The identity of the store that was restored into. */
  readonly fingerprint: string;
  /** The URL of the destination. */
  readonly source: string;
  /** Of the snapshot, or of the last point that is not after `at`. */
  readonly snapshot: number;
  /** The moment that was restored: that of the snapshot, or `at`, and in a gap an earlier one. */
  readonly time: string;
  /** The time that the caller chose; absent if a snapshot was chosen by its number, or the newest. */
  readonly at?: string;
  readonly begun: string;
  /** How long it took, in milliseconds. */
  readonly took: number;
  /** Who restored: the principal of a session, or `[owner]` for the owner. */
  readonly by: string;
  /** What was chosen: everything if neither is there. */
  readonly prefix?: string;
  /** How many keys were named, if any. */
  readonly keys?: number;
  readonly into?: string;
  /** The URL of the new store, if one was created. */
  readonly to?: string;
  readonly conflict: string;
  readonly deleteExtra: boolean;
  readonly created: number;
  readonly replaced: number;
  readonly renamed: number;
  readonly skipped: number;
  readonly unchanged: number;
  readonly deleted: number;
  readonly failed: number;
  readonly bytes: number;
  /** Objects that were read back and compared with the backup, byte by byte; 0 if that was not asked for. */
  readonly verified: number;
  /** SHA-256, in hexadecimal, of what was done with each object, in the order of the point: see `docs/run/backup/receipts.md`. */
  readonly digest: string;
  readonly ok: boolean;
}

/** A receipt of {@link RestoreFacts}. */
export type RestoreReceipt = SignedFacts;

/** Domain label of the signature of a receipt. */
export const RESTORE_RECEIPT_USE = 'restore receipt';

/**
 * Reads the receipt of a restore.
 *
 * @param fingerprint of the store that is to have signed it
 * @throws SecureStoreError `INTEGRITY` if it is none, or another store's
 */
export function readRestoreReceipt(receipt: RestoreReceipt, fingerprint: string): RestoreFacts {
  return signedFacts(receipt, RESTORE_RECEIPT_USE, fingerprint) as RestoreFacts;
}

/** What a store remembers of its drills and restores, of each destination the newest: as many as fit into 60 KiB. */
export interface Receipts {
  readonly drills: readonly { readonly time: Date; readonly receipt: DrillReceipt }[];
  readonly restores: readonly { readonly time: Date; readonly receipt: RestoreReceipt }[];
  /** How many others a session is not shown, since they name what may not be seen by it; absent if there are none. */
  readonly withheld?: number;
}

/** A state has 64 KiB at most. */
const MAX_BYTES = 60 * 1024;

interface Kept {
  readonly kind: 'drill' | 'restore';
  readonly time: number;
  readonly receipt: SignedFacts;
}

function isKept(value: unknown): value is Kept {
  if (!isObject(value) || !isCount(value['time']) || !isObject(value['receipt'])) return false;
  const { facts, identity, signature } = value['receipt'];
  return (
    ['drill', 'restore'].includes(String(value['kind'])) &&
    [facts, identity, signature].every((one) => typeof one === 'string')
  );
}

function receiptsAbout(area: BackupArea, destination: Uint8Array): SharedState<{ readonly receipts: readonly Kept[] }> {
  return stateAbout(area, 'receipts', destination, 'its receipts', ({ receipts }) =>
    Array.isArray(receipts) && receipts.every(isKept) ? { receipts } : undefined,
  );
}

/** As many of the newest as fit. */
function fitting(receipts: readonly Kept[]): Kept[] {
  let left = MAX_BYTES;
  return receipts.filter((one) => (left -= Buffer.byteLength(JSON.stringify(one)) + 1) > 0);
}

/** Remembers a receipt. A caller who may not do that still gets it. */
export async function rememberReceipt(
  area: BackupArea,
  destination: Uint8Array,
  kind: Kept['kind'],
  receipt: SignedFacts,
): Promise<void> {
  const kept = { kind, time: area.clock.now(), receipt };
  await rememberIfPossible(() =>
    receiptsAbout(area, destination).update(({ value }) => ({ receipts: fitting([kept, ...(value?.receipts ?? [])]) })),
  );
}

/** What is remembered of a destination. */
export async function receiptsOf(area: BackupArea, destination: Uint8Array): Promise<Receipts> {
  const { receipts } = (await receiptsAbout(area, destination).read()).value ?? { receipts: [] };
  const of = (kind: Kept['kind']): { time: Date; receipt: SignedFacts }[] =>
    receipts.filter((one) => one.kind === kind).map(({ time, receipt }) => ({ time: new Date(time), receipt }));
  return { drills: of('drill'), restores: of('restore') };
}

function drillAbout(area: BackupArea, destination: Uint8Array): SharedState<{ readonly time: number }> {
  return stateAbout(area, 'drilled', destination, 'its drills', ({ time }) => (isCount(time) ? { time } : undefined));
}

/** When a drill of a destination has succeeded last, in milliseconds since 1970; `undefined` if none ever did. */
export async function drilledAt(area: BackupArea, destination: Uint8Array): Promise<number | undefined> {
  return (await drillAbout(area, destination).read()).value?.time;
}

/** Remembers that a drill has succeeded now. A caller who may not do that still gets its result. */
export async function rememberDrilled(area: BackupArea, destination: Uint8Array): Promise<void> {
  const time = area.clock.now();
  await rememberIfPossible(() => drillAbout(area, destination).update(() => ({ time })));
}

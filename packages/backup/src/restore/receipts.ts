import { asBuffer, SecureStoreError } from '@securestore/core-format';
import { isCount, isObject, SharedState } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';
import type { SignedFacts } from '../repository/signed-statement.ts';
import type { DrillReceipt } from './receipt.ts';
import type { RestoreReceipt } from './restore-receipt.ts';

/** What a store remembers of its drills and restores, of each destination the newest: as many as fit into 60 KiB. */
export interface Receipts {
  readonly drills: readonly { readonly time: Date; readonly receipt: DrillReceipt }[];
  readonly restores: readonly { readonly time: Date; readonly receipt: RestoreReceipt }[];
  /** How many others a session is not shown, since they name what may not be seen by it; absent where there are none. */
  readonly withheld?: number;
}

/** A state has 64 KiB at most. */
const MAX_BYTES = 60 * 1024;

interface Kept {
  readonly kind: 'drill' | 'restore';
  readonly time: number;
  readonly receipt: SignedFacts;
}

interface Remembered {
  /** The newest first. */
  readonly receipts: readonly Kept[];
}

function isKept(value: unknown): value is Kept {
  if (!isObject(value) || !isCount(value['time']) || !isObject(value['receipt'])) return false;
  const { facts, identity, signature } = value['receipt'];
  return (
    ['drill', 'restore'].includes(String(value['kind'])) &&
    [facts, identity, signature].every((one) => typeof one === 'string')
  );
}

function stateOf({ states, clock }: BackupArea, destination: Uint8Array): SharedState<Remembered> {
  return new SharedState(states, clock, `receipts ${asBuffer(destination).toString('hex')}`, {
    what: 'what the store remembers of its receipts',
    version: 1,
    parse: ({ receipts }) => (Array.isArray(receipts) && receipts.every(isKept) ? { receipts } : undefined),
  });
}

/** As many of the newest as fit. */
function fitting(receipts: readonly Kept[]): Kept[] {
  let left = MAX_BYTES;
  return receipts.filter((one) => (left -= Buffer.byteLength(JSON.stringify(one)) + 1) > 0);
}

/** Remembers a receipt. Who may not remember it has it all the same. */
export async function rememberReceipt(
  area: BackupArea,
  destination: Uint8Array,
  kind: Kept['kind'],
  receipt: SignedFacts,
): Promise<void> {
  try {
    const kept = { kind, time: area.clock.now(), receipt };
    await stateOf(area, destination).update(({ value }) => ({ receipts: fitting([kept, ...(value?.receipts ?? [])]) }));
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
  }
}

/** What is remembered of a destination. */
export async function receiptsOf(area: BackupArea, destination: Uint8Array): Promise<Receipts> {
  const { receipts } = (await stateOf(area, destination).read()).value ?? { receipts: [] };
  const of = (kind: Kept['kind']): { time: Date; receipt: SignedFacts }[] =>
    receipts.filter((one) => one.kind === kind).map(({ time, receipt }) => ({ time: new Date(time), receipt }));
  return { drills: of('drill'), restores: of('restore') };
}

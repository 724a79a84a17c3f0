import { SecureStoreError } from '@securestore/core-format';
import { isCount, isObject } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';
import { rememberIfPossible, SealedState } from '../repository/destination-state.ts';
import { withFallback } from '../repository/errors.ts';
import type { BackupVerifyReport } from '../repository/findings.ts';

/** A check of a destination: reading its files, or restoring a snapshot to a scratch store. */
type Check = 'verify' | 'drill';

const CHECKS = ['verify', 'drill'] as const;

/** The longest message that is remembered, in characters. */
const MAX_MESSAGE = 500;

/** The last check of a kind, if it failed. */
export interface FailedCheck {
  readonly check: Check;
  /** When it began, in milliseconds since 1970. */
  readonly time: number;
  /** How much it has found, and the first of it. */
  readonly found: number;
  readonly message: string;
  /**
   * Whether files that the newest snapshot needs are missing or damaged, so that the next backup copies everything again; `repaired` once one
   * did.
   */
  readonly newest: 'intact' | 'damaged' | 'repaired';
}

type StoredCheck = Omit<FailedCheck, 'check'>;

function parse(value: unknown): StoredCheck | undefined {
  if (!isObject(value)) return undefined;
  const { time, found, message, newest } = value;
  if (!isCount(time) || !isCount(found) || typeof message !== 'string') return undefined;
  if (newest !== 'intact' && newest !== 'damaged' && newest !== 'repaired') return undefined;
  return found === 0 ? undefined : { time, found, message, newest };
}

function stateOf(area: BackupArea, destination: Uint8Array, check: Check): SealedState<StoredCheck> {
  const what = check === 'verify' ? 'its last verification' : 'its last drill';
  return new SealedState(area, `failed ${check}`, destination, what, parse);
}

/** Replaces what is known of a check. @param next `undefined` to leave it as it is */
function change(
  area: BackupArea,
  destination: Uint8Array,
  check: Check,
  next: (known: StoredCheck | undefined) => StoredCheck | 'ok' | undefined,
): Promise<void> {
  const state = stateOf(area, destination, check);
  return rememberIfPossible(() =>
    state.shared.update(async ({ value }) => {
      const known = value && (await state.open(value))?.value;
      const changed = next(known);
      if (changed === undefined || (changed === 'ok' && known === undefined)) return undefined;
      return state.seal(changed === 'ok' ? { found: 0 } : changed);
    }),
  );
}

const shortened = (message: string): string => message.slice(0, MAX_MESSAGE).toWellFormed();

/** Remembers that a check has failed. A caller who may not do that still gets its result. */
function rememberFailed(
  area: BackupArea,
  destination: Uint8Array,
  { check, message, ...failed }: FailedCheck,
): Promise<void> {
  return change(area, destination, check, () => ({ ...failed, message: shortened(message) }));
}

/** Forgets that a check failed, after one of the same kind has succeeded. @param since it says nothing of a check that began later */
function forgetFailed(area: BackupArea, destination: Uint8Array, check: Check, since = Infinity): Promise<void> {
  return change(area, destination, check, (known) => (known !== undefined && known.time <= since ? 'ok' : undefined));
}

/** Remembers a drill that began then. */
export function rememberDrill(
  area: BackupArea,
  destination: Uint8Array,
  time: number,
  { ok, found, problems }: { readonly ok: boolean; readonly found: number; readonly problems: readonly string[] },
): Promise<void> {
  if (ok) return forgetFailed(area, destination, 'drill');
  const message = problems[0] ?? 'it failed';
  // It may also fail since the store itself is not as it was, which copying does not change.
  return rememberFailed(area, destination, { check: 'drill', time, found, message, newest: 'intact' });
}

/**
 * Whether the newest snapshot needs what a verification has found damaged or missing.
 *
 * @param newest its number; `undefined` if it cannot be read, and is among the findings
 */
export function affectsNewest(
  newest: number | undefined,
  { found, findings }: Pick<BackupVerifyReport, 'found' | 'findings'>,
): boolean {
  // Those that are not listed may be about it.
  if (found > findings.length) return true;
  return findings.some(
    ({ kind, snapshots }) => kind !== 'rolled-back' && (newest === undefined || snapshots.includes(newest)),
  );
}

/** Remembers a verification that began then. One of a share says only that its share is intact, until everything was read. */
export function rememberVerification(
  area: BackupArea,
  destination: Uint8Array,
  time: number,
  { ok, found, findings, rolling, affectsNewest: isDamaged = false }: BackupVerifyReport,
): Promise<void> {
  if (ok) {
    const since = rolling === undefined ? Infinity : (rolling.checkedSince?.getTime() ?? 0);
    return forgetFailed(area, destination, 'verify', since);
  }
  const message = findings[0]?.message ?? 'files are missing or damaged';
  const judged: StoredCheck = { time, found, message: shortened(message), newest: isDamaged ? 'damaged' : 'intact' };
  // A share that the newest snapshot needs nothing of says nothing of the others.
  const keep = rolling !== undefined && !isDamaged;
  return change(area, destination, 'verify', (known) => ({
    ...judged,
    newest: keep && known !== undefined ? known.newest : judged.newest,
  }));
}

/** Remembers that a backup has copied again what the newest snapshot needs. */
export function rememberRepair(area: BackupArea, destination: Uint8Array): Promise<void> {
  return change(area, destination, 'verify', (known) =>
    known?.newest === 'damaged' ? { ...known, newest: 'repaired' } : undefined,
  );
}

/**
 * The checks of a destination of which the last one failed, as far as that is known. A caller who lost the right to back up may have left one:
 * that costs a copy, or another check.
 */
export async function failedChecksAt(
  area: BackupArea,
  destination: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<FailedCheck[]> {
  if (!area.hasKeys) return [];
  const isUnknown = (error: unknown): boolean => SecureStoreError.is(error) && signal?.aborted !== true;
  const found = await Promise.all(
    CHECKS.map(async (check) => {
      const read = await withFallback(isUnknown, undefined, () => stateOf(area, destination, check).read(signal));
      return read?.value === undefined ? [] : [{ check, ...read.value }];
    }),
  );
  return found.flat();
}

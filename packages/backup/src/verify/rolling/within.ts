import { refuseOption } from '../../repository/errors.ts';
import type { VerifyDepth } from '../../repository/findings.ts';

const MIN_WITHIN = 3_600_000;
const MAX_WITHIN: number = 3660 * 86_400_000;

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkWithin(within: unknown): void {
  const isLength = typeof within === 'number' && Number.isFinite(within);
  if (isLength && within >= MIN_WITHIN && within <= MAX_WITHIN) return;
  refuseOption('within', `must be a number of milliseconds from ${MIN_WITHIN} to ${MAX_WITHIN}`);
}

/** Checks that options do not exclude each other. @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkRolling(
  within: unknown,
  {
    depth = 'complete',
    snapshot,
  }: { readonly depth?: VerifyDepth | undefined; readonly snapshot?: number | undefined },
): void {
  if (within === undefined) return;
  checkWithin(within);
  if (depth === 'complete' && snapshot === undefined) return;
  refuseOption('within', 'excludes the options "depth" and "snapshot"');
}

import { type Advice, SecureStoreError } from '@securestore/core-format';

/** Repairs of an object or its payload. The call adds the key. */
const REPAIR: readonly Advice[] = [{ id: 'repair-object' }, { id: 'restore-object' }];

/** Repairs of an object from a backup, and the way to make it usable without one. */
export function damageAdvice(key: string): readonly Advice[] {
  return [...REPAIR.map((one) => ({ ...one, key })), { id: 'overwrite-damaged', key }];
}

/** An error of opening an object or its payload, with what repairs it if it is damaged. */
export function withRepair(error: unknown): unknown {
  if (!SecureStoreError.is(error, 'INTEGRITY') || (error.advice?.length ?? 0) > 0) return error;
  return SecureStoreError.from(error, { advice: REPAIR });
}

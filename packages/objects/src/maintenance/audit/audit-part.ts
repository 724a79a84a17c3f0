import { generationOf, SecureStoreError, systemContext } from '@securestore/core-format';
import { openSystemBody } from '@securestore/crypto';
import { auditKeysOf } from './audit-settings.ts';
import type { StoreState } from '../../head/store-state.ts';

/**
 * Opens a part of the audit log. It may have been written before the store was restored, or has moved.
 *
 * @param body what lies at `name`
 * @throws SecureStoreError `INTEGRITY` where it is damaged, and as `auditKeysOf` does
 */
export function openAuditPart(state: StoreState, name: string, body: Uint8Array): Buffer {
  const { instance, instances = [], suites } = state.head;
  const keys = auditKeysOf(state);
  let failure: unknown;
  for (const written of [instance, ...instances]) {
    const context = systemContext(written, generationOf(name) ?? 0, name);
    try {
      return openSystemBody(
        `the part ${name} of the audit log`,
        (id) => keys.version(id),
        suites,
        'audit',
        context,
        body,
      );
    } catch (error) {
      if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** Whether something is the part of the audit log that belongs to a name. */
export function isAuditPart(state: StoreState, name: string, body: Uint8Array): boolean {
  try {
    openAuditPart(state, name, body).fill(0);
    return true;
  } catch (error) {
    if (SecureStoreError.is(error)) return false;
    throw error;
  }
}

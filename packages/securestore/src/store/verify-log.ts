import type { AuditReport, VerifyOptions } from '@securestore/audit';
import { loadAudit } from './engines.ts';

/**
 * Verifies an audit log of which only the lines are there, without the store.
 *
 * @throws SecureStoreError as `verifyLog` of `@securestore/audit`
 */
export async function verifyLog(options: VerifyOptions): Promise<AuditReport> {
  return (await loadAudit()).verifyLog(options);
}

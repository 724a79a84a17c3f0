import { SecureStoreError } from '@securestore/core-format';
import type { BackendCapabilities } from './contract.ts';

/** The smallest `maxBodyBytes` that a store can work with: parts of large objects adapt down to it. */
export const MIN_MAX_BODY_BYTES = 65_536;

const MANDATORY = ['ifAbsent', 'ifMatch', 'orderedList', 'listAfterWrite', 'rangeRead', 'modified'] as const;

/**
 * Refuses a backend that cannot keep a store.
 *
 * @throws `UNSUPPORTED` naming every mandatory capability that is missing
 */
export function assertStorable(capabilities: BackendCapabilities, backend: string): void {
  const missing: string[] = MANDATORY.filter((flag) => !capabilities[flag]);
  if (!(capabilities.maxBodyBytes >= MIN_MAX_BODY_BYTES))
    missing.push(`maxBodyBytes of at least ${MIN_MAX_BODY_BYTES}`);
  if (missing.length === 0) return;
  throw new SecureStoreError(
    'UNSUPPORTED',
    `${backend}: the backend lacks ${missing.join(', ')}, which a store needs. Nothing was written.`,
    { backend, advice: [{ id: 'choose-store-url' }] },
  );
}

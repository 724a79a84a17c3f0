import { expect, test } from 'vitest';
import { TORTURE } from '../../backend-fs/test/support/crash-campaign.ts';
import { NO_TRACER, tamperWithAll } from '../../backend-fs/test/support/system-calls.ts';

// In full: every call in turn. In short: every fortieth.
test.for<[call: string, fault: string]>([
  ['fsync,fdatasync', 'kill'],
  ['pwrite64', 'kill'],
  ['fsync,fdatasync', 'EIO'],
  ['pwrite64', 'ENOSPC'],
  ['ftruncate', 'EIO'],
])('%s: %s leaves the old or the new, whole, and says which', { timeout: 600_000 }, async ([call, fault], context) => {
  if (NO_TRACER !== undefined) context.skip(NO_TRACER);
  const stride = TORTURE ? 1 : 40;
  expect(await tamperWithAll('@securestore/backend-sqlite', 'sqlite', { call, fault, stride })).toBeGreaterThan(0);
});

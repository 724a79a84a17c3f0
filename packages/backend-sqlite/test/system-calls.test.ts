import { expect, test } from 'vitest';
import { NO_TRACER, tamperWithAll } from '../../backend-fs/test/support/system-calls.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

// In full: every call in turn. In short: every fortieth.
test.for<[call: string, fault: string]>([
  ['fsync,fdatasync', 'kill'],
  ['pwrite64', 'kill'],
  ['fsync,fdatasync', 'EIO'],
  ['pwrite64', 'ENOSPC'],
  ['ftruncate', 'EIO'],
])('%s: %s leaves the old or the new, whole, and says which', { timeout: 600_000 }, async ([call, fault], context) => {
  if (NO_TRACER !== undefined) context.skip(NO_TRACER);
  const stride = sized({ short: 500, full: 40, torture: 1 });
  expect(await tamperWithAll('@securestore/backend-sqlite', 'sqlite', { call, fault, stride })).toBeGreaterThan(0);
});

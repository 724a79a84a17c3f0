import { expect, test } from 'vitest';
import { NO_TRACER, tamperWithAll } from './support/system-calls.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

// In full: every call in turn. In short: every fifth.
test.for<[call: string, fault: string]>([
  ['fsync', 'kill'],
  ['rename', 'kill'],
  ['mkdir', 'kill'],
  ['utimensat', 'kill'],
  ['unlink', 'kill'],
  ['rmdir', 'kill'],
  ['fsync', 'EIO'],
  ['rename', 'ENOSPC'],
  ['mkdir', 'ENOSPC'],
  ['unlink', 'EIO'],
])('%s: %s leaves the old or the new, whole, and says which', { timeout: 600_000 }, async ([call, fault], context) => {
  if (NO_TRACER !== undefined) context.skip(NO_TRACER);
  const stride = sized({ short: 60, full: 5, torture: 1 });
  expect(await tamperWithAll('@securestore/backend-fs', 'file', { call, fault, stride })).toBeGreaterThan(0);
});

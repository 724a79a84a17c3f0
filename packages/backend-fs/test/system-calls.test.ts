import { expect, test } from 'vitest';
import { NO_TRACER, tamperWithAll, tamperWithOne } from './support/system-calls.ts';
import { LONG, TORTURE } from '../../../tools/campaigns/src/size.ts';

// In torture: every call in turn. In full: every fifth. In short: the one of that number.
test.for<[call: string, fault: string, when: number]>([
  ['fsync', 'kill', 7],
  ['rename', 'kill', 3],
  ['mkdir', 'kill', 5],
  ['utimensat', 'kill', 4],
  ['unlink', 'kill', 1],
  ['rmdir', 'kill', 2],
  ['fsync', 'EIO', 7],
  ['rename', 'ENOSPC', 3],
  ['mkdir', 'ENOSPC', 5],
  ['unlink', 'EIO', 1],
])(
  '%s: %s leaves the old or the new, whole, and says which',
  { timeout: 600_000 },
  async ([call, fault, when], context) => {
    if (NO_TRACER !== undefined) context.skip(NO_TRACER);
    const tampered = LONG
      ? tamperWithAll('@securestore/backend-fs', 'file', { call, fault, stride: TORTURE ? 1 : 5 })
      : tamperWithOne('@securestore/backend-fs', 'file', { call, fault, when }).then(Number);
    expect(await tampered).toBeGreaterThan(0);
  },
);

import { expect, test } from 'vitest';
import { NO_TRACER, tamperWithAll, tamperWithOne } from '../../backend-fs/test/support/system-calls.ts';
import { LONG, TORTURE } from '../../../tools/campaigns/src/size.ts';

// In torture: every call in turn. In full: every fortieth. In short: the one of that number.
test.for<[call: string, fault: string, when: number]>([
  ['fsync,fdatasync', 'kill', 9],
  ['pwrite64', 'kill', 100],
  ['fsync,fdatasync', 'EIO', 9],
  ['pwrite64', 'ENOSPC', 100],
  ['ftruncate', 'EIO', 2],
])(
  '%s: %s leaves the old or the new, whole, and says which',
  { timeout: 600_000 },
  async ([call, fault, when], context) => {
    if (NO_TRACER !== undefined) context.skip(NO_TRACER);
    const tampered = LONG
      ? tamperWithAll('@securestore/backend-sqlite', 'sqlite', { call, fault, stride: TORTURE ? 1 : 40 })
      : tamperWithOne('@securestore/backend-sqlite', 'sqlite', { call, fault, when }).then(Number);
    expect(await tampered).toBeGreaterThan(0);
  },
);

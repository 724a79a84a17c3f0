import { describe, expect, it } from 'vitest';
import { lazyPart } from '@securestore/core-format';

describe('a part that is loaded when it is used', () => {
  it('is not loaded before, and once for all callers', async () => {
    let loads = 0;
    const load = lazyPart('backups', async () => ({ number: (loads += 1) }));
    expect(loads).toBe(0);
    const [one, other] = await Promise.all([load(), load()]);
    expect(one).toBe(other);
    expect(await load()).toBe(one);
    expect(loads).toBe(1);
  });

  it('says what cannot be loaded and why, to every caller, and is tried again', async () => {
    const cause = new Error("Cannot find module '/app/backup-work.js'");
    let isThere = false;
    const load = lazyPart('backups', async () => {
      if (!isThere) throw cause;
      return 'work';
    });
    const failed = {
      code: 'INTERNAL',
      cause,
      message: expect.stringMatching(/^cannot load backups: Cannot find module/),
    };
    const [one, other] = await Promise.allSettled([load(), load()]);
    expect(one).toMatchObject({ status: 'rejected', reason: failed });
    expect(other).toMatchObject({ status: 'rejected', reason: failed });
    isThere = true;
    expect(await load()).toBe('work');
  });
});

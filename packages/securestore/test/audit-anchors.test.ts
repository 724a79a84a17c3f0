import { rename, rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Anchor } from '../src/index.ts';
import { identity } from '../src/index.ts';
import { audited, auditor, storeUrlOf, memoryAnchor, reopen } from './support/audits.ts';
import { PATIENT } from './support/backup-world.ts';

const fileOf = (url: string): string => url.slice('sqlite:'.length);

/** A store with a log, which is closed. */
async function lived(url: string, anchor: Anchor, options?: { readonly acceptRollback: true }): Promise<void> {
  const store = await audited(url, { anchor, mode: 'fail-closed', ...options });
  for (let at = 0; at < 5; at++) await store.store('k', `${at}`);
  await store.close();
}

test.each(['removed, and a new one made', 'replaced by another one, which is accepted'])(
  'the log of a store that was %s is not missed in the new store',
  async (how) => {
    const [url, anchor] = [storeUrlOf(), memoryAnchor()];
    await lived(url, anchor);
    await rm(fileOf(url));
    if (how.startsWith('removed')) {
      await lived(url, anchor, { acceptRollback: true });
    } else {
      const elsewhere = storeUrlOf();
      await lived(elsewhere, memoryAnchor());
      await rename(fileOf(elsewhere), fileOf(url));
      await (await reopen(url, { anchor, acceptRollback: true })).close();
    }
    const store = await reopen(url, { anchor });
    await store.store('k', 'new');
    const { ok, findings } = await store.audit.verify({ auditor: identity(auditor) });
    expect([ok, findings]).toEqual([true, []]);
    expect((await store.audit.examine()).findings).toEqual([]);
    // A machine that is busy, or whose disk is nearly full, is no finding here.
    const thresholds = { ...PATIENT, minFreeBytes: 0, minFreeShare: 0 };
    const { checks } = await store.health({ thresholds });
    expect(checks.filter(({ status }) => status !== 'ok' && status !== 'not-set-up')).toEqual([]);
  },
);

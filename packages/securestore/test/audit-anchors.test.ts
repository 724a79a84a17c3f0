import { rename, rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Anchor } from '../src/index.ts';
import { identity } from '../src/index.ts';
import { audited, auditor, locationOf, memoryAnchor, reopen } from './support/audits.ts';

const fileOf = (location: string): string => location.slice('sqlite:'.length);

/** A store with a log, which is closed. */
async function lived(location: string, anchor: Anchor): Promise<void> {
  const store = await audited(location, { anchor, mode: 'fail-closed' });
  for (let at = 0; at < 5; at++) await store.store('k', `${at}`);
  await store.close();
}

test.each(['removed, and a new one made', 'replaced by another one, which is accepted'])(
  'the log of a store that was %s is not missed in the new store',
  async (how) => {
    const [location, anchor] = [locationOf(), memoryAnchor()];
    await lived(location, anchor);
    await rm(fileOf(location));
    if (how.startsWith('removed')) {
      await lived(location, anchor);
    } else {
      const elsewhere = locationOf();
      await lived(elsewhere, memoryAnchor());
      await rename(fileOf(elsewhere), fileOf(location));
      await (await reopen(location, { anchor, acceptRollback: true })).close();
    }
    const store = await reopen(location, { anchor });
    await store.store('k', 'new');
    const { ok, findings } = await store.audit.verify({ auditor: identity(auditor) });
    expect([ok, findings]).toEqual([true, []]);
    expect((await store.audit.examine()).findings).toEqual([]);
    expect((await store.health()).checks.filter(({ status }) => status !== 'ok' && status !== 'not-set-up')).toEqual(
      [],
    );
  },
);

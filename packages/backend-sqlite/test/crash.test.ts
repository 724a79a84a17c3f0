import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { checkCampaign, runCampaign } from '../../backend-fs/test/support/crash-campaign.ts';
import { crashWriters } from '../../backend-redis/test/support/store-crash.ts';
import { SqliteBackend } from '../src/index.ts';
import { openAt, scratchFolder } from './support/stores.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

test('writers killed at any instant lose nothing, tear nothing, and leave no lock', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-sqlite-crash-'));
  const path = join(folder, 'vault.db');
  try {
    const campaign = await runCampaign(
      '@securestore/backend-sqlite',
      `sqlite:${path}`,
      sized({ short: 3, full: 4, torture: 4 }),
      sized({ short: 0, full: 5, torture: 300 }),
    );
    const backend = new SqliteBackend();
    await backend.init({ url: `sqlite:${path}`, options: {} });
    await checkCampaign(backend, campaign);
    await backend.close();
    const db = new DatabaseSync(path, { readOnly: true });
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    // Every segment belongs to a body that is there, but for the last one, which is the clock.
    expect(
      db
        .prepare(
          'SELECT count(*) AS n FROM segment WHERE id / 64 NOT IN (SELECT revision FROM entry) AND (data IS NOT NULL OR id <> (SELECT max(id) FROM segment))',
        )
        .get(),
    ).toEqual({ n: 0 });
    db.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 600_000);

test('writers with a whole store, killed at any instant, lose nothing, tear nothing and leave nothing that can not be collected', async () => {
  const path = join(scratchFolder(), 'vault.db');
  await crashWriters(`sqlite:${path}`, await openAt(path), sized({ short: 0, full: 2, torture: 100 }));
}, 600_000);

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { crashWriters } from '../../backend-redis/test/support/store-crash.ts';
import { FsBackend } from '../src/index.ts';
import { checkCampaign, runCampaign } from './support/crash-campaign.ts';
import { openAt, scratchFolder } from './support/stores.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

test('writers killed at any instant lose nothing, tear nothing, and leave no lock and no temporary file', async () => {
  const root = mkdtempSync(join(tmpdir(), 'securestore-fs-crash-'));
  try {
    const campaign = await runCampaign(
      '@securestore/backend-fs',
      `file:${root}`,
      sized({ short: 3, full: 4, torture: 4 }),
      sized({ short: 0, full: 5, torture: 300 }),
    );
    const backend = new FsBackend();
    await backend.init({ url: `file:${root}`, options: {} });
    await checkCampaign(backend, campaign);
    expect(readdirSync(join(root, '+temp'))).toHaveLength(1);
    await backend.close();
    expect(readdirSync(join(root, '+temp'))).toEqual([]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}, 600_000);

test('writers with a whole store, killed at any instant, lose nothing, tear nothing and leave nothing that can not be collected', async () => {
  const root = scratchFolder();
  await crashWriters(`file:${root}`, await openAt(root), sized({ short: 0, full: 2, torture: 100 }));
}, 600_000);

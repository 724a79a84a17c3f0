import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FsBackend } from '../src/index.ts';
import { checkCampaign, runCampaign, TORTURE } from './support/crash-campaign.ts';

test('writers killed at any instant lose nothing, tear nothing, and leave no lock and no temporary file', async () => {
  const root = mkdtempSync(join(tmpdir(), 'securestore-fs-crash-'));
  try {
    const campaign = await runCampaign('@securestore/backend-fs', `file:${root}`, 4, TORTURE ? 300 : 5);
    const backend = new FsBackend();
    await backend.init({ location: `file:${root}`, options: {} });
    await checkCampaign(backend, campaign);
    expect(readdirSync(join(root, '+temp'))).toHaveLength(1);
    await backend.close();
    expect(readdirSync(join(root, '+temp'))).toEqual([]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}, 600_000);

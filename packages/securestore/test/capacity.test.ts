import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createStore } from '../src/index.ts';
import { unlock } from './support/access-world.ts';

test.each(['file', 'sqlite'])(
  'the health of a store on %s: tells how much room there is on its disk',
  async (scheme) => {
    const folder = mkdtempSync(join(tmpdir(), 'securestore-capacity-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    await using store = await createStore(`${scheme}:${join(folder, 'vault')}`, { unlock, maintenance: false });
    const { checks } = await store.health({ thresholds: { minFreeBytes: 0, minFreeShare: 0 } });
    expect(checks.find(({ name }) => name === 'capacity')).toMatchObject({
      status: 'ok',
      reason: expect.stringMatching(/^\S+ \S+ of \S+ \S+ are free \(/),
      figures: { free: expect.any(Number), total: expect.any(Number) },
    });
  },
);

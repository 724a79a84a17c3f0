import { readFile, writeFile } from 'node:fs/promises';
import { systemClock } from '@securestore/jobs';
import { keyFile, openStore } from 'securestore';
import { describe, it } from 'vitest';
import { backupScene } from '../support/backups.ts';

describe.concurrent('schedule run', { timeout: 120_000 }, () => {
  it('runs programs before and after, and makes no run where the first fails', async ({ expect, onTestFinished }) => {
    const { run, destination, url, path } = await backupScene(onTestFinished);
    await run(['backup', destination]);
    // Added two minutes ago, so that a run is due now.
    const add = async (id: string): Promise<void> => {
      const clock = { ...systemClock(), now: () => Date.now() - 120_000 };
      await using store = await openStore(url, { unlock: keyFile(path('vault.key')), maintenance: false, clock });
      await store.schedules.add({ id, cron: '* * * * *', task: 'backup', destination });
    };
    await add('often');
    const script = async (name: string, code: number): Promise<string> => {
      const told = '$SECURESTORE_RUN_PHASE $SECURESTORE_RUN_SCHEDULE $SECURESTORE_RUN_END';
      await writeFile(path(name), `#!/bin/sh\necho "${told}" >> "${path('log')}"\nexit ${code}\n`, { mode: 0o700 });
      return path(name);
    };
    const [good, bad] = [await script('good', 0), await script('bad', 1)];
    const first = await run(['schedule', 'run', '--once', '--before', good, '--after', good, '--hook-timeout', '30s']);
    expect(first.exitCode).toBe(0);
    expect(first.stdout).toMatch(/^often: backup to .*: success\n/);
    expect(await readFile(path('log'), 'utf8')).toBe('before often \nafter often success\n');
    expect((await run(['schedule', 'remove', 'often'])).exitCode).toBe(0);
    await add('again');
    const second = await run(['schedule', 'run', '--once', '--before', bad]);
    expect(second.exitCode).toBe(8);
    expect(second.stdout).toMatch(/^again: backup to .*: failure: \S.*before.* \[UNAVAILABLE\]\n/);
    expect(second.stderr).toContain('the program of the hook before a run ended with exit code 1');
    expect((await run(['snapshots', destination])).stdout.match(/^ *[12] /gm)).toHaveLength(2);
  });
});

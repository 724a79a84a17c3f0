import { readdir } from 'node:fs/promises';
import { it } from 'vitest';
import { changedScene } from '../support/backups.ts';

it(
  'restore with --to that is interrupted leaves no store, and whoever opens it is told how it goes on',
  { timeout: 120_000 },
  async ({ expect, onTestFinished }) => {
    const { run, using, destination, path } = await changedScene(onTestFinished);
    await using(async (store) => {
      for (let at = 0; at < 40; at++) await store.store(`huge/${at}`, Buffer.alloc(1024 * 1024, at));
    });
    expect((await run(['backup', destination])).exitCode).toBe(0);
    const to = `file:${path('again')}`;
    const controller = new AbortController();
    const ending = run(['restore', destination, '--to', to], { signal: controller.signal });
    await expect
      .poll(async () => (await readdir(path('again'), { recursive: true }).catch(() => [])).length, {
        timeout: 30_000,
        interval: 1,
      })
      .toBeGreaterThan(5);
    controller.abort();
    expect(await ending).toMatchObject({ exitCode: 130, stdout: '' });
    for (const args of [
      ['ls', '--store', to],
      ['verify', to],
      ['init', to],
    ]) {
      const refused = await run(args);
      expect(refused).toMatchObject({ exitCode: 5, stdout: '' });
      expect(refused.stderr).toContain('no store is here yet: a restore to this store URL has not ended [INTEGRITY]');
      expect(refused.stderr).toMatch(/\nhint: to resume the restore: securestore restore .*--to /);
    }
    expect((await run(['restore', destination, '--to', to])).exitCode).toBe(0);
    expect((await run(['verify', to, '--payloads'])).exitCode).toBe(0);
  },
);

import { readdir } from 'node:fs/promises';
import { it } from 'vitest';
import { backupScene } from '../support/backups.ts';
import { finished } from '../support/cli.ts';

it(
  'backup that is interrupted says how to go on, and does',
  { timeout: 120_000 },
  async ({ expect, onTestFinished }) => {
    const { box, path, destination, using, run, url } = await backupScene(onTestFinished);
    await using(async (store) => {
      for (let part = 0; part < 12; part++) await store.store(`huge/${part}`, Buffer.alloc(16 * 1024 * 1024, part));
    });
    const args = ['backup', destination, '--store', url, '--key-file', path('vault.key'), '--no-anchor'];
    const child = box.start(args);
    const ending = finished(child);
    await expect
      .poll(async () => (await readdir(path('backup', 'b')).catch(() => [])).length, { timeout: 30_000, interval: 5 })
      .toBeGreaterThan(0);
    child.kill('SIGINT');
    const stopped = await ending;
    expect(stopped).toMatchObject({ exitCode: 130, stdout: '' });
    expect(stopped.stderr).toMatch(/^error: interrupted \[ABORTED\]\nhint: to resume it: securestore backup [^\n]*\n$/);
    expect((await run(['snapshots', destination])).stderr).toBe('there is no snapshot here yet\n');
    const done = await run(['backup', destination]);
    expect(done).toMatchObject({ exitCode: 0, stderr: '' });
    expect(done.stdout).toMatch(/^made snapshot 1 of .*: 16 objects/);
    expect((await run(['verify', destination, '--payloads'])).exitCode).toBe(0);
  },
);

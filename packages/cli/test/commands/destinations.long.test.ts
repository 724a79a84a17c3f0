import { describe, it } from 'vitest';
import { backupScene, changedScene } from '../support/backups.ts';
import { jsonLines } from '../support/cli.ts';

// Most of it is waiting for other processes, six seconds each time, so the tests wait side by side.
describe.concurrent('where and what is kept', { timeout: 120_000 }, () => {
  it.for([
    ['backup', 'memory:'],
    ['destinations', 'add', 'memory:'],
    ['schedule', 'add', 'nightly', 'MEMORY:', '--cron', '@daily'],
  ])('what is in memory is no place for backups: %j', async (args, { expect, onTestFinished }) => {
    const { run } = await backupScene(onTestFinished);
    const refused = await run(args);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toBe(
      'error: memory: cannot be the destination: its content is lost when the command ends [INVALID_ARGUMENT]\n' +
        'hint: choose a folder, a database or a bucket, such as file:/backup\n',
    );
  });

  it('destinations list lists them, as destinations does', async ({ expect, onTestFinished }) => {
    const { run, destination } = await changedScene(onTestFinished);
    const listed = await run(['destinations', 'list']);
    expect(listed).toMatchObject({ exitCode: 0, stderr: '1 destination\n' });
    expect(listed.stdout).toContain(destination);
    expect(await run(['destinations'])).toEqual(listed);
  });

  it('retention says once what it did, also where nothing is removed', async ({ expect, onTestFinished }) => {
    const { run, destination } = await changedScene(onTestFinished);
    const args = ['retention', destination, '--keep-last', '1', '--yes'];
    const nothing = await run(args);
    expect(nothing).toMatchObject({ exitCode: 0, stderr: '' });
    expect(nothing.stdout).toMatch(/^keep snapshot 1 \(.*\)\nremoved 0 snapshots; 1 stay\nfreed 0 B in 0 files\n$/);
    expect(jsonLines((await run([...args, '--json'])).stdout).slice(1)).toEqual([
      { summary: { removed: 0, files: 0, bytes: 0 } },
    ]);
    expect((await run([...args, '--dry-run'])).stdout).toMatch(
      /^keep snapshot 1 \(.*\)\nwould remove 0 snapshots; 1 stay\n$/,
    );
    expect((await run(['backup', destination])).exitCode).toBe(0);
    expect((await run(args)).stdout).toMatch(
      /^keep snapshot \d+ \(.*\)\nremove snapshot 1\nremoved 1 snapshot; 1 stay\nfreed /,
    );
    // The points that say what was removed are no snapshots, for verify neither.
    const listed = jsonLines((await run(['snapshots', destination, '--json'])).stdout);
    expect(listed).toHaveLength(1);
    expect(jsonLines((await run(['verify', destination, '--json'])).stdout)).toMatchObject([
      { summary: { ok: true, snapshots: 1 } },
    ]);
  });
});

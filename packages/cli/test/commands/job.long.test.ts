import { describe, it } from 'vitest';
import { backupScene, type BackupScene } from '../support/backups.ts';
import { jsonLines } from '../support/cli.ts';

/** The id of a backup that was interrupted. */
async function interrupted({ using, destination }: BackupScene): Promise<string> {
  let id = '';
  await using(async (store) => {
    const ending = new AbortController();
    const job = store.backup(destination, { label: 'nightly', signal: ending.signal });
    ({ id } = job);
    for await (const { phase } of job.progress) if (phase !== 'waiting') break;
    ending.abort();
    await job.catch(() => undefined);
  });
  return id;
}

describe.concurrent('job', { timeout: 120_000 }, () => {
  it('lists what is not finished, as a table and as JSON', async ({ expect, onTestFinished }) => {
    const scene = await backupScene(onTestFinished);
    const { run } = scene;
    for (const args of [['job'], ['job', 'list']])
      expect(await run(args)).toMatchObject({ exitCode: 0, stdout: '', stderr: 'there is no unfinished job\n' });
    expect(await run(['job', '--json'])).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    const id = await interrupted(scene);
    const listed = await run(['job', 'list']);
    expect(listed).toMatchObject({ exitCode: 0, stderr: '1 unfinished job\n' });
    expect(listed.stdout).toMatch(
      new RegExp(
        String.raw`^JOB +KIND +STATE +DONE +STARTED +UPDATED +ERROR\n${id} +backup +interrupted +\S.* +\S+ \S+Z +\S+ \S+Z +ABORTED\n$`,
      ),
    );
    expect(jsonLines((await run(['job', '--json'])).stdout)).toMatchObject([
      { id, kind: 'backup', state: 'interrupted', started: expect.stringMatching(/Z$/), error: 'ABORTED' },
    ]);
  });

  it('goes on with one, or gives it up', async ({ expect, onTestFinished }) => {
    const scene = await backupScene(onTestFinished);
    const { run, destination } = scene;
    const id = await interrupted(scene);
    expect(await run(['job', 'resume', id])).toMatchObject({
      exitCode: 0,
      stdout: `the job ${id} is done\n`,
      stderr: '',
    });
    expect(jsonLines((await run(['snapshots', destination, '--json'])).stdout)).toMatchObject([{ label: 'nightly' }]);
    expect(await interrupted(scene)).toBe(id);
    expect(jsonLines((await run(['job', 'resume', id, '--json'])).stdout)).toMatchObject([
      { id, done: true, report: { number: 2, failed: [] } },
    ]);
    await interrupted(scene);
    expect(await run(['job', 'forget', id])).toMatchObject({ exitCode: 0, stdout: `gave up the job ${id}\n` });
    for (const action of ['resume', 'cancel', 'forget']) {
      const gone = await run(['job', action, id]);
      expect(gone).toMatchObject({ exitCode: 3, stdout: '' });
      expect(gone.stderr).toContain(
        `error: unfinished job ${id} does not exist: it ended, was forgotten or never began [NOT_FOUND]\n`,
      );
      expect(gone.stderr).toMatch(/^hint: to list the jobs: securestore job list\b/m);
    }
  });

  it('is none for a backup that no package can make', async ({ expect, onTestFinished }) => {
    const { run } = await backupScene(onTestFinished);
    for (const more of [[], ['--continuous']]) {
      const refused = await run(['backup', 'nosuchscheme://host/x', ...more]);
      expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
      expect(refused.stderr).toContain('unknown scheme nosuchscheme:');
    }
    expect((await run(['job'])).stderr).toBe('there is no unfinished job\n');
  });

  it('is none after a restore or a drill that failed before it changed anything', async ({
    expect,
    onTestFinished,
  }) => {
    const { run, path, destination } = await backupScene(onTestFinished);
    expect((await run(['backup', destination])).exitCode).toBe(0);
    await run(['put', 'db/a'], { input: 'another' });
    const typo = `file:${path('typo')}`;
    const failing: readonly (readonly [number, ...string[]])[] = [
      [3, 'restore', typo, '--key', 'db/a'],
      [3, 'restore', typo, '--yes'],
      [3, 'restore', typo, '--dry-run'],
      [3, 'restore', destination, '--snapshot', '7', '--key', 'db/a'],
      [3, 'restore', destination, '--at', '2020-01-01', '--yes'],
      [3, 'restore', destination, '--key', 'db/nothing'],
      [3, 'restore', destination, '--key', 'db/a', '--key', 'db/nothing', '--conflict', 'overwrite', '--yes'],
      [6, 'restore', destination, '--key', 'db/a', '--conflict', 'fail'],
      [3, 'drill', typo],
    ];
    for (const [exitCode, ...args] of failing) {
      expect((await run(args)).exitCode, args.join(' ')).toBe(exitCode);
      expect((await run(['job'])).stderr, args.join(' ')).toBe('there is no unfinished job\n');
    }
    expect((await run(['get', 'db/a'])).stdout).toBe('another');
  });

  it('says of an interrupted restore that it is not running, and what resumes it', async ({
    expect,
    onTestFinished,
  }) => {
    const scene = await backupScene(onTestFinished);
    const { run, destination, using } = scene;
    expect((await run(['backup', destination])).exitCode).toBe(0);
    await run(['rm', 'db/a']);
    await using(async (store) => {
      const ending = new AbortController();
      const onObject = (): void => ending.abort();
      const job = store.restore(destination, { prefix: 'db/', onObject, signal: ending.signal });
      await expect(job).rejects.toMatchObject({ code: 'ABORTED' });
    });
    // The mistyped restore changes nothing, so the one before it stays.
    expect((await run(['restore', `${destination}-typo`, '--key', 'db/a'])).exitCode).toBe(3);
    const cancelled = await run(['job', 'cancel', 'restore']);
    expect(cancelled).toMatchObject({
      exitCode: 0,
      stdout: 'the job restore is not running: there is nothing to stop\n',
    });
    expect(cancelled.stderr).toMatch(/^hint: to give it up: securestore job forget restore\b[^\n]*\n$/);
    expect(jsonLines((await run(['job', 'cancel', 'restore', '--json'])).stdout)).toEqual([
      { id: 'restore', cancelled: false },
    ]);
    const resumed = await run(['job', 'resume', 'restore']);
    expect(resumed).toMatchObject({ exitCode: 2, stdout: '' });
    expect(resumed.stderr).toMatch(
      /^error: cannot resume job restore of the kind restore: only the call that began it does \[UNSUPPORTED\]\nhint: to resume it, give the same restore command once more\nhint: to give it up: securestore job forget restore\b/,
    );
    expect((await run(['restore', destination, '--prefix', 'db/'])).exitCode).toBe(0);
    expect((await run(['job'])).stderr).toBe('there is no unfinished job\n');
  });
});

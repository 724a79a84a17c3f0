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
});

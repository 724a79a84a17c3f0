import { rename, rm, writeFile } from 'node:fs/promises';
import { it } from 'vitest';
import { backupScene } from '../support/backups.ts';

// T-BACKUP-07
it('what takes access away names the backups that it did not reach, with exit code 8; a restore says of when access is', async ({
  expect,
  onTestFinished,
}) => {
  const { run, destination, path } = await backupScene(onTestFinished);
  await run(['role', 'add', 'admin', '--template', 'administrator']);
  await run(['grant', 'boss', 'admin']);
  await run(['role', 'add', 'reader', '--template', 'reader']);
  await run(['grant', 'ann', 'reader']);
  const made = await run(['token', 'new', 'ann', '--json']);
  const { id } = JSON.parse(made.stdout) as { id: string };
  await run(['backup', destination]);
  const following = 'Processes that have the store open follow within five seconds.\n';
  expect(await run(['token', 'revoke', id])).toMatchObject({ exitCode: 0, stderr: following });
  await rename(path('backup'), path('elsewhere'));
  await writeFile(path('backup'), 'not a folder');
  for (const args of [
    ['revoke', 'ann', 'reader'],
    ['role', 'remove', 'reader'],
    ['approval', 'add', 'purge'],
  ]) {
    const done = await run(args);
    expect(done.exitCode).toBe(8);
    expect(done.stderr).toContain(
      `${following}changed in the store, but not in the backups at ${destination}, which were not reached\na store that is restored from there gives access as it was before: `,
    );
  }
  // Who only gives waits for no backup.
  expect((await run(['role', 'add', 'writer', '--template', 'writer'])).exitCode).toBe(0);
  await rm(path('backup'));
  await rename(path('elsewhere'), path('backup'));
  const early = await run(['restore', destination, '--to', `sqlite:${path('early.db')}`]);
  expect(early.stdout).toMatch(
    /^slots, members and keys are those of .* \(generation \d+\); the access policy is version \d+, as of .*, of the backup$/m,
  );
  const json = await run(['restore', destination, '--to', `sqlite:${path('json.db')}`, '--json']);
  const { summary } = JSON.parse(json.stdout) as {
    summary: { access: { policy: { version: number; source: string } } };
  };
  expect(summary.access.policy).toMatchObject({ version: expect.any(Number), source: 'destination' });
  expect((await run(['backup', destination])).exitCode).toBe(0);
  const later = await run(['restore', destination, '--to', `sqlite:${path('later.db')}`, '--json']);
  const after = JSON.parse(later.stdout) as { summary: typeof summary };
  expect(after.summary.access.policy.version).toBeGreaterThan(summary.access.policy.version);
});

import { rename, rm, writeFile } from 'node:fs/promises';
import { it } from 'vitest';
import { backupScene } from '../support/backups.ts';

it('slot remove says at which backups the secret still opens what lies there, with exit code 8', async ({
  expect,
  onTestFinished,
}) => {
  const { run, destination, path } = await backupScene(onTestFinished);
  await writeFile(path('second.txt'), 'another passphrase that is long enough\n', { mode: 0o600 });
  const added = await run(['slot', 'add', `--new-passphrase-file=${path('second.txt')}`, '--json']);
  expect(added).toMatchObject({ exitCode: 0, stderr: '' });
  const { id } = JSON.parse(added.stdout) as { id: string };
  await run(['backup', destination]);
  await rename(path('backup'), path('elsewhere'));
  await writeFile(path('backup'), 'not a folder');
  const removed = await run(['slot', 'remove', id]);
  expect(removed.exitCode).toBe(8);
  expect(removed.stdout).toBe(`removed the slot ${id}\n`);
  expect(removed.stderr).toContain(
    `changed in the store, but not in the backups at ${destination}, which were not reached\n` +
      'the unlock secret still opens their backups: once they can be reached, run securestore backup with each, which ends that\n',
  );
  await rm(path('backup'));
  await rename(path('elsewhere'), path('backup'));
  expect((await run(['backup', destination])).exitCode).toBe(0);
});

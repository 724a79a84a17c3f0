import { expect, it } from 'vitest';
import { sandbox } from '../support/cli.ts';

it('says that backups keep what is purged', async () => {
  const box = await sandbox();
  await box.seed({ a: 'x', b: 'x' });
  expect((await box.run(['purge', 'a', '--yes'])).stderr).toBe('');
  const backup = `file:${box.path('backup')}`;
  expect((await box.run(['backup', backup])).exitCode).toBe(0);
  expect(await box.run(['purge', 'b', '--yes'])).toMatchObject({
    exitCode: 0,
    stdout: 'purged b and its history\n',
    stderr: `snapshots that have the object keep it until retention removes them, at: ${backup}\n`,
  });
  expect((await box.run(['restore', backup, '--key', 'b', '--stdout'])).stdout).toBe('x');
});

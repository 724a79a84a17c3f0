import { expect, it } from 'vitest';
import { jsonLines, sandbox } from '../support/cli.ts';

it('prints each version that a backup keeps, also one that was current in no snapshot', async () => {
  const box = await sandbox();
  const backup = `file:${box.path('backup')}`;
  for (const data of ['one', 'two']) await box.seed({ 'db/password': data });
  expect(await box.run(['backup', backup])).toMatchObject({ exitCode: 0 });
  await box.seed({ 'db/password': 'three' });
  expect(await box.run(['backup', backup])).toMatchObject({ exitCode: 0 });

  const history = ['history', 'db/password', '--backup', backup];
  const listed = await box.run(history);
  expect(listed.stdout).toMatch(/^VERSION +FROM +TO +SIZE +STATE +KEPT IN SNAPSHOT$/m);
  const versions = jsonLines((await box.run([...history, '--json'])).stdout);
  expect(versions).toHaveLength(3);
  for (const [at, data] of ['three', 'two', 'one'].entries()) {
    const { version, snapshot } = versions[at] ?? {};
    const one = ['restore', backup, '--key', 'db/password', '--snapshot', String(snapshot)];
    const printed = await box.run([...one, '--version-id', String(version), '--stdout']);
    expect(printed, printed.stderr).toMatchObject({ exitCode: 0, stdout: data });
  }
  // The printed command is one of these.
  const [, command = ''] = /^to print a version: securestore (.*)$/m.exec(listed.stderr) ?? [];
  expect(await box.run(command.split(' '))).toMatchObject({ exitCode: 0, stdout: 'three' });

  const newest = ['restore', backup, '--key', 'db/password', '--version-id', String(versions[0]?.['version'])];
  const older = await box.run([...newest, '--snapshot', '1', '--stdout']);
  expect(older).toMatchObject({ exitCode: 3, stdout: '' });
  expect(older.stderr).toContain('hint: to list the versions, and the snapshots that have them: securestore history');
  const refused = await box.run(newest);
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toMatch(/^error: --version-id needs --stdout .*\nhint: .*pipe the output into put KEY$/m);
});

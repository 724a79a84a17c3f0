import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { backupScene } from '../support/backups.ts';
import { jsonLines, sandbox } from '../support/cli.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';

it('a recovery kit names the backups of the store', async () => {
  const box = await sandbox('file');
  await box.seed({ k: 'x' });
  expect((await box.run(['slot', 'add', '--new-recovery-code', '--kit', box.path('early.txt')])).exitCode).toBe(0);
  expect(await readFile(box.path('early.txt'), 'utf8')).toContain('# The store had no backup when this was made.');
  const first = await box.run(['backup', 'file:./backup']);
  expect(first.exitCode).toBe(0);
  expect(first.stderr).toContain(
    'the recovery kits that you have do not name this destination: write its URL on them, ',
  );
  expect((await box.run(['backup', 'file:./backup'])).stderr).toBe('');
  expect((await box.run(['slot', 'add', '--new-shares', '2/2', '--kit', box.path('kit.txt')])).exitCode).toBe(0);
  for (const name of ['kit-1.txt', 'kit-2.txt']) {
    expect(await readFile(box.path(name), 'utf8')).toContain(`#   backup: file:${box.path('backup')}\n`);
  }
  // Each still opens the store.
  const shares = ['--share-file', box.path('kit-1.txt'), '--share-file', box.path('kit-2.txt')];
  expect(await box.run(['get', 'k', ...shares])).toMatchObject({ exitCode: 0, stdout: 'x' });
  expect(await box.run(['get', 'k', '--recovery-code-file', box.path('early.txt')])).toMatchObject({ stdout: 'x' });
});

it.runIf(LONG)(onlyLong('a rotation says that it ended a recovery kit'), async () => {
  const box = await sandbox('file');
  await box.seed({ k: 'x' });
  const kit = ['--recovery-code-file', box.path('kit.txt')];
  expect((await box.run(['slot', 'add', '--new-recovery-code', '--kit', box.path('kit.txt')])).exitCode).toBe(0);
  const [slot] = jsonLines((await box.run(['slot', 'list', '--json'])).stdout).filter(
    ({ method }) => method === 'recoveryCode',
  );
  const kept = await box.run(['rotate', '--same-secret', '--depth', 'unlock', ...kit]);
  expect(kept).toMatchObject({ exitCode: 0 });
  expect(kept.stdout).not.toContain('recovery kit');

  const rotate = ['rotate', '--depth', 'unlock', '--new-key-file', box.path('new.key'), ...kit, '--json'];
  const rotated = await box.run(rotate);
  expect(jsonLines(rotated.stdout)).toMatchObject([
    { summary: { removedSlots: [{ id: slot?.['id'], method: 'recoveryCode' }] } },
  ]);
  expect((await box.run(['get', 'k', ...kit])).exitCode).toBe(9);
  // In words, of another kit.
  expect((await box.run(['slot', 'add', '--new-recovery-code', '--kit', box.path('kit2.txt')])).exitCode).toBe(0);
  const other = ['--recovery-code-file', box.path('kit2.txt')];
  const said = await box.run(['rotate', '--depth', 'unlock', '--new-key-file', box.path('newer.key'), ...other]);
  expect(said.stdout).toContain(
    'the recovery kit of this code opens the store no more: make another by securestore slot add\n',
  );
});

it.runIf(LONG)(onlyLong('a recovery kit names no backups that its code cannot open'), async ({ onTestFinished }) => {
  const { run, destination, path } = await backupScene(onTestFinished);
  const other = `file:${path('other')}`;
  const copy = ['--store', `file:${path('copy')}`];
  const made = async (name: string): Promise<{ readonly kit: string; readonly stderr: string }> => {
    const file = path(name);
    const added = await run(['slot', 'add', '--new-recovery-code', '--kit', file, ...copy]);
    expect(added).toMatchObject({ exitCode: 0 });
    return { kit: await readFile(file, 'utf8'), stderr: added.stderr };
  };
  expect((await run(['backup', destination])).exitCode).toBe(0);
  expect((await run(['restore', destination, '--to', `file:${path('copy')}`])).exitCode).toBe(0);
  expect((await run(['backup', other, ...copy])).exitCode).toBe(0);

  const first = await made('kit.txt');
  expect(first.kit).toContain(`#   backup: ${other}\n`);
  expect(first.kit).not.toContain(`backup: ${destination}\n`);
  expect(first.stderr).toContain(
    `${destination} is not named in the recovery kit: it has the backups of the store that this one was restored from, ` +
      'which the new secret does not open\n',
  );
  expect(first.stderr).not.toContain(other);
  // Neither is said of a destination that does not answer.
  await rename(path('backup'), path('backup-away'));
  await rename(path('other'), path('other-away'));
  const second = await made('kit2.txt');
  for (const url of [destination, other]) expect(second.kit).toContain(`#   backup: ${url}\n`);
  expect(second.stderr).not.toContain('is not named');
  await rename(path('backup-away'), path('backup'));
  await rename(path('other-away'), path('other'));

  // The store that the backups were of is another copy, once they are taken over.
  expect((await run(['backup', destination, '--take-over', ...copy])).exitCode).toBe(0);
  const left = await run(['slot', 'add', '--new-recovery-code', '--kit', path('kit3.txt')]);
  expect(left).toMatchObject({ exitCode: 0 });
  expect(left.stderr).toContain(
    `${destination} is not named in the recovery kit: it has the backups of another copy of`,
  );
  const none = await readFile(path('kit3.txt'), 'utf8');
  expect(none).not.toContain(`backup: ${destination}\n`);
});

it.runIf(LONG)(onlyLong('hints after a rotation do not repeat the recovery kit that it has ended'), async () => {
  const box = await sandbox('file');
  await box.seed({ k: 'x' });
  const [backup, copy] = [`file:${box.path('backup')}`, `file:${box.path('copy')}`];
  const at = ['--store', copy];
  expect((await box.run(['backup', backup])).exitCode).toBe(0);
  expect((await box.run(['restore', backup, '--to', copy])).exitCode).toBe(0);
  const kit = ['--recovery-code-file', box.path('kit.txt')];
  expect((await box.run(['slot', 'add', '--new-recovery-code', '--kit', box.path('kit.txt'), ...at])).exitCode).toBe(0);
  await writeFile(box.path('next'), 'another passphrase that is long enough', { mode: 0o600 });
  const rotate = ['rotate', '--depth', 'unlock', '--new-passphrase-file', box.path('next'), ...at, ...kit];
  const { exitCode, stdout, stderr } = await box.run(rotate);
  expect(exitCode).toBe(8);
  const opens = `--store ${copy} --passphrase-file ${box.path('next')}`;
  expect(stdout).toContain(`\nto use that destination no longer: securestore destination remove ${backup} ${opens}\n`);
  expect(stdout).toContain(` to take its backups over: securestore backup ${backup} --take-over ${opens}\n`);
  expect(stderr).toContain(`; to list all: securestore slot list ${opens}\n`);
  expect(stdout + stderr).not.toContain('--recovery-code-file');
  expect((await box.run(['backup', backup, '--take-over', ...opens.split(' ')])).exitCode).toBe(0);
});

it('a store that is restored by a recovery kit takes its backups over by the command that is printed', async () => {
  const box = await sandbox('file');
  await box.seed({ k: 'x' });
  const kit = ['--recovery-code-file', box.path('kit.txt')];
  expect((await box.run(['slot', 'add', '--new-recovery-code', '--kit', box.path('kit.txt')])).exitCode).toBe(0);
  const backup = `file:${box.path('backup')}`;
  expect((await box.run(['backup', backup])).exitCode).toBe(0);
  await rm(box.path('vault'), { recursive: true });
  const to = `file:${box.path('again')}`;
  const made = await box.run(['restore', backup, '--to', to, ...kit]);
  const [, line = ''] = /, take them over: securestore (.*)\n/.exec(made.stdout) ?? [];
  expect(line).toBe(`backup ${backup} --take-over --store ${to} ${kit.join(' ')}`);
  expect(await box.run(line.split(' '))).toMatchObject({ exitCode: 0 });
});

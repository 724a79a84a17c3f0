import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sandbox, type Sandbox } from '../support/cli.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';

/** Removes the records of all objects, as a failing disk does. */
async function loseObjects(box: Sandbox): Promise<void> {
  await rm(box.path('vault', 'o'), { recursive: true });
}

/** The lines about what the store has lost. */
function losses(stderr: string): string[] {
  return stderr.split('\n').filter((line) => /^(?:finding|missing|to rest)/.test(line));
}

/** The files of the records of all objects. */
async function recordsOf(box: Sandbox): Promise<string[]> {
  const found = await readdir(box.path('vault', 'o'), { recursive: true, withFileTypes: true });
  return found.filter((one) => one.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

/** A store whose object `db/a` has lost its newest version, with a backup of it. */
async function lost(): Promise<Sandbox> {
  const box = await sandbox('file');
  await box.seed({ 'db/a': 'one' });
  await box.seed({ 'db/a': 'two' });
  expect((await box.run(['backup', 'file:./backup'])).exitCode).toBe(0);
  await loseObjects(box);
  return box;
}

it('an object that has lost its newest version is not undeleted, and its older ones are named', async () => {
  const box = await lost();
  const got = await box.run(['get', 'db/a']);
  const backup = `file:${box.path('backup')}`;
  expect(got.exitCode).toBe(3);
  expect(got.stderr).toBe(
    'error: "db/a": the object does not exist, though older versions do: its newest version was lost, and not deleted [NOT_FOUND]\n' +
      'hint: to see the older versions: securestore history db/a\n' +
      `hint: to repair it from a backup: securestore scrub --repair ${backup}\n` +
      `hint: to restore it from a backup as a new version: securestore restore ${backup} --key db/a\n`,
  );
  const listed = await box.run(['history', 'db/a']);
  expect(listed.stderr).toContain('the newest version is missing, and the object was not deleted');
  const refused = await box.run(['undelete', 'db/a']);
  expect(refused.exitCode).toBe(5);
  expect(refused.stderr).toContain('the newest version of the object is missing, though it was not deleted.');
  const [, command = ''] = /to make it current: securestore (.*)$/m.exec(refused.stderr) ?? [];
  expect(command).toMatch(/^undelete db\/a --version-id \S+$/);
  const verified = await box.run(['verify']);
  expect(verified.exitCode).toBe(5);
  expect(verified.stdout).toContain('to restore what a backup has: securestore scrub --repair BACKUP');

  expect((await box.run(command.split(' '))).exitCode).toBe(0);
  expect((await box.run(['get', 'db/a'])).stdout).toBe('one');
  expect(await box.run(['verify'])).toMatchObject({ exitCode: 0 });
  // An object that exists is replaced by no older version.
  expect((await box.run(command.split(' '))).exitCode).toBe(6);
});

it.runIf(LONG)(
  onlyLong(
    'storing over an object that has lost its newest version says that its history begins again, and where the rest is',
  ),
  async () => {
    const box = await lost();
    const backup = `file:${box.path('backup')}`;
    const note =
      'note: the newest version of db/a had been lost, and not deleted, so its history begins again; ' +
      `to see its earlier versions in a backup: securestore history db/a --backup ${backup}\n`;
    expect(await box.run(['put', 'db/a'], { input: 'three' })).toMatchObject({ exitCode: 0, stderr: note });
    expect((await box.run(['history', 'db/a'])).stdout.trim().split('\n')).toHaveLength(2);
    const [, command = ''] = /securestore (.*)\n$/.exec(note) ?? [];
    const earlier = await box.run(command.split(' '));
    expect(earlier.exitCode).toBe(0);
    expect(earlier.stdout.trim().split('\n')).toHaveLength(4);
    expect((await box.run(['put', 'db/a'], { input: 'four' })).stderr).toBe('');
    // The history of an object that was deleted goes on.
    expect((await box.run(['rm', 'db/a'])).exitCode).toBe(0);
    expect((await box.run(['put', 'db/a'], { input: 'five' })).stderr).toBe('');
    expect((await box.run(['put', 'db/new'], { input: 'one' })).stderr).toBe('');
  },
);

it('a backup repairs an object that has lost its newest version', async () => {
  const box = await lost();
  expect(await box.run(['scrub', '--repair', 'file:./backup'])).toMatchObject({ exitCode: 0 });
  expect((await box.run(['get', 'db/a'])).stdout).toBe('two');
  expect(await box.run(['verify'])).toMatchObject({ exitCode: 0 });
});

it.runIf(LONG)(onlyLong('undelete restores a version that is named'), async () => {
  const box = await sandbox('file');
  await box.seed({ 'db/a': 'one' });
  await box.seed({ 'db/a': 'two' });
  const [first] = (await box.run(['history', 'db/a'])).stdout.trim().split('\n').at(-1)?.split(/\s/) ?? [];
  expect((await box.run(['rm', 'db/a'])).exitCode).toBe(0);
  expect((await box.run(['undelete', 'db/a', '--version-id', String(first)])).exitCode).toBe(0);
  expect((await box.run(['get', 'db/a'])).stdout).toBe('one');
});

it('a backup names the objects that the store has lost, and health fails until they are restored', async () => {
  const box = await sandbox('file');
  await box.seed({ 'db/a': 'one', 'db/b c': 'two' });
  expect((await box.run(['backup', 'file:./backup'])).exitCode).toBe(0);
  expect((await box.run(['health'])).exitCode).toBe(0);
  await loseObjects(box);
  await box.seed({ 'db/new': 'three' });
  const made = await box.run(['backup', 'file:./backup']);
  expect(made.exitCode).toBe(8);
  expect(made.stderr).toContain('2 objects are missing from the store, though they were neither deleted nor purged');
  const commands = [...made.stderr.matchAll(/^missing: (.*); to restore it: securestore (.*)$/gm)];
  expect(new Set(commands.map(([, key]) => key))).toEqual(new Set(['db/a', 'db/b c']));
  expect(made.stderr).toContain('to restore what was lost, as it was: securestore scrub --repair file:');
  expect(made.stderr).not.toContain('verify');
  const drilled = await box.run(['drill', 'file:./backup']);
  expect(drilled.exitCode).toBe(8);
  expect(drilled.stdout).toContain('the backup can be restored');
  expect(drilled.stderr).toMatch(/^missing: db\/a; /m);
  expect(drilled.stderr).toMatch(/^missing: db\/b c; /m);
  const scheduled = ['schedule', 'add', 'daily', 'file:./backup', '--cron', '0 3 * * *'];
  expect((await box.run(scheduled)).exitCode).toBe(0);
  const ran = await box.run(['schedule', 'run', 'daily']);
  expect(ran.exitCode).toBe(8);
  expect(ran.stdout).toContain('success');
  expect(losses(ran.stderr)).toEqual(losses(made.stderr));
  const sick = await box.run(['health']);
  expect(sick.exitCode).toBe(7);
  expect(sick.stdout).toContain('the store has lost 2 objects that the last backup has');
  for (const [, , line = ''] of commands) {
    const words = line.split(' --key ');
    const key = words[1]?.replaceAll("'", '') ?? '';
    expect(await box.run([...(words[0] ?? '').split(' '), '--key', key])).toMatchObject({ exitCode: 0 });
  }
  expect((await box.run(['get', 'db/b c'])).stdout).toBe('two');
  expect((await box.run(['health'])).exitCode).toBe(0);
});

it.runIf(LONG)(
  onlyLong('a scrub restores objects without older versions that the store has lost, and no deleted ones'),
  async () => {
    const box = await sandbox('file');
    await box.seed({ 'db/a': 'one', 'db/big': 'x'.repeat(300_000) });
    const records = await recordsOf(box);
    await box.seed({ 'db/gone': 'y', 'db/purged': 'z' });
    expect((await box.run(['backup', 'file:./backup'])).exitCode).toBe(0);
    expect((await box.run(['rm', 'db/gone'])).exitCode).toBe(0);
    expect((await box.run(['purge', 'db/purged', '--yes'])).exitCode).toBe(0);
    const [before] = (await box.run(['history', 'db/a'])).stdout.split(/\s/);
    for (const path of records) await rm(path);
    const scrubbed = await box.run(['scrub', '--repair', 'file:./backup']);
    expect(scrubbed.exitCode).toBe(0);
    expect(scrubbed.stdout).toMatch(/^repaired: hidden: db\/a \(/m);
    expect(scrubbed.stdout).toMatch(/^repaired: hidden: db\/big \(/m);
    expect(scrubbed.stdout).not.toMatch(/db\/gone|db\/purged/);
    expect((await box.run(['ls'])).stdout).toBe('db/a\ndb/big\n');
    expect((await box.run(['get', 'db/big'])).stdout).toHaveLength(300_000);
    // The same version as before.
    expect((await box.run(['history', 'db/a'])).stdout.split(/\s/)[0]).toBe(before);
    expect((await box.run(['verify'])).exitCode).toBe(0);
    expect((await box.run(['health'])).exitCode).toBe(0);
  },
);

it.runIf(LONG)(
  onlyLong('the health names the backup that repairs, and a schedule whose destination was removed'),
  async () => {
    const box = await sandbox('file');
    await box.seed({ 'db/a': 'x'.repeat(300_000) });
    const backup = `file:${box.path('backup')}`;
    expect((await box.run(['backup', backup])).exitCode).toBe(0);
    await rm(box.path('vault', 'b'), { recursive: true });
    const got = await box.run(['get', 'db/a']);
    expect(got.exitCode).toBe(5);
    expect(got.stderr).toContain('hint: to repair it from a backup: securestore scrub --repair ');
    expect((await box.run(['scrub'])).exitCode).toBe(5);
    const damaged = await box.run(['health']);
    expect(damaged.exitCode).toBe(7);
    expect(damaged.stdout).toContain(`run "securestore scrub --repair ${backup}"`);
    expect(damaged.stdout).not.toMatch(/<backup>|<url>/);
    expect((await box.run(['scrub', '--repair', backup])).exitCode).toBe(0);

    expect((await box.run(['schedule', 'add', 'daily', backup, '--cron', '0 3 * * *'])).exitCode).toBe(0);
    expect((await box.run(['destination', 'remove', backup, '--yes'])).exitCode).toBe(0);
    const orphaned = await box.run(['health']);
    expect(orphaned.exitCode).toBe(7);
    expect(orphaned.stdout).toContain(`each run of schedule daily fails: ${backup} is not a registered destination`);
    expect(orphaned.stdout).toContain('"securestore schedule remove daily"');
    expect((await box.run(['schedule', 'remove', 'daily'])).exitCode).toBe(0);
    expect((await box.run(['health'])).exitCode).toBe(0);
  },
);

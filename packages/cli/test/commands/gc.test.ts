import { expect, it, onTestFinished } from 'vitest';
import { keptText } from '../../src/commands/gc.ts';
import { backupScene } from '../support/backups.ts';
import { jsonLines, sandbox } from '../support/cli.ts';

it('names the destinations that have still to read older versions', () => {
  const kept = { young: 0, unread: 2, newest: 1, recent: 0 };
  const text = (...destinations: string[]): string => keptText({ versions: 2, days: 0 }, kept, destinations);
  const rest = 'a migration or another reader of the journal, 1 among the newest 2 of their objects';
  expect(text()).toBe(`3 older versions would stay: 2 not yet read by a backup, ${rest}`);
  expect(text('file:./a', 's3://b')).toBe(
    `3 older versions would stay: 2 not yet read by a backup to file:./a or s3://b, ${rest}`,
  );
});

it('a dry run says what goes in a day of what is younger now', async () => {
  const box = await sandbox('file');
  for (const text of ['one', 'two', 'three']) await box.seed({ k: text });
  const dry = ['gc', '--dry-run', '--history-versions', '1', '--history-days', '0'];
  const { stderr, stdout } = await box.run(dry);
  expect(stdout).toContain('nothing to remove');
  expect(stderr).toMatch(/^in a day, if nothing changes until then: would remove 1 old version: \d+ B$/m);
  expect(stderr).toMatch(/^in a day: 1 older version would stay: 1 among the newest 1 of their objects$/m);
  const [{ summary } = {}] = jsonLines((await box.run([...dry, '--json'])).stdout);
  expect(summary).toMatchObject({ versions: 0, inADay: { versions: 1, kept: { young: 0, newest: 1 } } });
  expect((await box.run(['gc', '--dry-run'])).stderr).toContain('would remove nothing');
});

it('says why it removes nothing of what is younger than a day, and how to see what goes later', async () => {
  const box = await sandbox('file');
  for (const text of ['one', 'two', 'three']) await box.seed({ k: text });
  const limit = ['settings', 'change', '--history-versions', '1', '--history-days', '0'];
  expect((await box.run(limit)).exitCode).toBe(0);
  const { stdout, stderr } = await box.run(['gc']);
  expect(stdout).toBe('checked 1 object: nothing to remove\n');
  expect(stderr).toMatch(
    /^2 older versions stay: 2 younger than a day\nto see what goes in a day: securestore gc --dry-run( --no-anchor)?\n$/,
  );
  expect((await box.run(['gc', '--json'])).stderr).toBe('');
});

it('a dry run says why versions stay in a day, and that no backup will read what another copy backs up', async () => {
  const { run, destination, path } = await backupScene(onTestFinished);
  expect((await run(['backup', destination])).exitCode).toBe(0);
  const copy = ['--store', `file:${path('copy')}`];
  expect((await run(['restore', destination, '--to', `file:${path('copy')}`])).exitCode).toBe(0);
  for (const input of ['one', 'two', 'three']) await run(['put', 'k'], { input });
  const dry = ['gc', '--dry-run', '--history-versions', '0', '--history-days', '0'];
  const reason = `not yet read by a backup to ${destination}, a migration or another reader of the journal`;
  const own = await run(dry);
  expect(own.stderr).toContain('would remove nothing\n');
  expect(own.stderr).toContain(`\nin a day: 2 older versions would stay: 2 ${reason}\n`);
  expect(own.stderr).not.toContain('another copy');
  // Once the copy backs up there, this store can't any more.
  expect((await run(['backup', destination, '--take-over', ...copy])).exitCode).toBe(0);
  const { stderr } = await run(dry);
  expect(stderr).toContain(
    `\nin a day: 2 older versions would stay: 2 ${reason}\n` +
      `no backup to ${destination} will read them: it has the backups of another copy of the store\n` +
      `to use that destination no longer: securestore destination remove ${destination} `,
  );
  expect(stderr).not.toContain('--take-over');
  expect((await run(['destination', 'remove', destination])).exitCode).toBe(0);
  expect((await run(dry)).stderr).toMatch(/would remove 2 old versions/);
});

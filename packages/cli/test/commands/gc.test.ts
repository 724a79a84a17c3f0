import { expect, it } from 'vitest';
import { keptText } from '../../src/commands/gc.ts';
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
  const [{ summary } = {}] = jsonLines((await box.run([...dry, '--json'])).stdout);
  expect(summary).toMatchObject({ versions: 0, inADay: { versions: 1, kept: { young: 0, newest: 1 } } });
  expect((await box.run(['gc', '--dry-run'])).stderr).toContain('would remove nothing');
});

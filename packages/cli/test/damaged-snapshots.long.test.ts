import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'vitest';
import { backupScene } from './support/backups.ts';
import { jsonLines } from './support/cli.ts';

/** The file of the first snapshot: those of later ones sort before it. */
async function firstPoint(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const points = names.filter((entry) => entry.isFile() && join(entry.parentPath, '/').includes('/s/'));
  const [last] = points
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .toReversed();
  if (last === undefined) throw new Error('there is no snapshot');
  return last;
}

/** Damages the oldest snapshot of a folder. */
async function damageFirst(folder: string): Promise<void> {
  const file = await firstPoint(folder);
  const body = await readFile(file);
  body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
  await writeFile(file, body);
}

it('a retention with --damaged tells damaged snapshots apart from those that no rule keeps', async ({
  expect,
  onTestFinished,
}) => {
  const { run, destination, path } = await backupScene(onTestFinished);
  for (let number = 1; number <= 3; number++) await run(['backup', destination]);
  await damageFirst(path('backup'));
  const args = ['retention', destination, '--damaged', '--keep-last', '1'];
  const preview = await run([...args, '--dry-run']);
  expect(preview.stdout).toBe(
    'keep snapshot 3 (newest, last)\nremove snapshot 2\nremove snapshot 1 (damaged)\nwould remove 2 snapshots, 1 of them damaged; 1 stay\n',
  );
  expect(jsonLines((await run([...args, '--dry-run', '--json'])).stdout)).toMatchObject([
    { number: 3 },
    { number: 2, removed: true },
    { number: 1, removed: true, damaged: true },
    { summary: { removed: 2, damaged: 1, dryRun: true } },
  ]);
  expect((await run([...args, '--yes'])).stdout).toContain('\nremoved 2 snapshots, 1 of them damaged; 1 stay\n');
});

it('a damaged snapshot is named, keeps no other one from being listed, and is removed where that is asked for', async ({
  expect,
  onTestFinished,
}) => {
  const { run, using, destination, path } = await backupScene(onTestFinished);
  await run(['backup', destination]);
  await using((store) => store.store('db/a', 'second').then(() => undefined));
  await run(['backup', destination]);
  await damageFirst(path('backup'));
  const listed = await run(['snapshots', destination]);
  expect(listed.exitCode).toBe(8);
  expect(listed.stdout).toMatch(/^ *SNAPSHOT.*\n +2 /);
  expect(listed.stderr).toMatch(
    /^damaged: 1: .*\n.*securestore verify file:.*\n.*; to remove it: securestore retention file:\S+ --damaged --key-file /,
  );
  const json = await run(['snapshots', destination, '--json']);
  expect(jsonLines(json.stdout)).toMatchObject([{ number: 2 }, { number: 1, damaged: true }]);
  const kept = await run(['retention', destination, '--keep-last', '1', '--yes']);
  expect(kept.exitCode).toBe(5);
  expect(kept.stderr).toMatch(/snapshot 1 is damaged at .* so nothing was removed\./);
  // As the hint of `snapshots` has it.
  const removed = await run(['retention', destination, '--damaged', '--yes']);
  expect(removed).toMatchObject({ exitCode: 0 });
  expect(removed.stdout).toContain('keep snapshot 2 (newest, everything)\nremove snapshot 1 (damaged)\n');
  expect(await run(['snapshots', destination])).toMatchObject({
    exitCode: 0,
    stderr: expect.stringMatching(/^1 snapshot, for which \S+ K?i?B were copied\n$/),
  });
  expect((await run(['backup', destination])).exitCode).toBe(0);
  expect((await run(['retention', destination, '--keep-last', '1', '--yes'])).exitCode).toBe(0);
  const last = await run(['snapshots', destination]);
  expect(last.stderr).toBe('1 snapshot, for which nothing was copied: earlier ones had copied it\n');
});

it('a verification says how an older snapshot goes that is damaged', async ({ expect, onTestFinished }) => {
  const { run, using, destination, path } = await backupScene(onTestFinished);
  await run(['backup', destination]);
  await using((store) => store.purge('large').then(() => undefined));
  await run(['backup', destination]);
  const [blob = ''] = (await readdir(path('backup', 'b'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const kept = await readFile(blob);
  await writeFile(blob, 'damaged');
  const options = `--key-file ${path('vault.key')} --no-anchor`;
  const intact = 'the newest snapshot needs none of it; nothing repairs the older ones\n';
  const ofRule = 'the others go when no rule keeps them; to see what a rule would remove: ';
  const ofDamage = 'to see which of them retention removes as damaged: ';
  const rule = `securestore retention ${destination} --keep-last COUNT --dry-run ${options}\n`;
  const verified = (await run(['verify', destination])).stdout;
  expect(verified).toContain(`\n${intact}${ofRule}${rule}`);
  expect(verified).not.toContain(ofDamage);
  expect((await run(['retention', destination, '--keep-last', '1', '--dry-run'])).stdout).toContain(
    'remove snapshot 1\n',
  );

  await writeFile(blob, kept);
  await damageFirst(path('backup'));
  const damaged = (await run(['verify', destination])).stdout;
  const command = `securestore retention ${destination} --damaged --dry-run ${options}\n`;
  expect(damaged).toContain(`\n${intact}${ofDamage}${command}`);
  expect(damaged).not.toContain(ofRule);
  expect((await run(['retention', destination, '--damaged', '--dry-run'])).stdout).toContain(
    'remove snapshot 1 (damaged)\n',
  );
});

import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { jsonLines, sandbox } from '../support/cli.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';

it('a destination that is not there is not begun again, and shows until it is removed or mounted', async () => {
  const box = await sandbox('file');
  await box.seed({ k: 'x' });
  expect((await box.run(['backup', 'file:./backup'])).exitCode).toBe(0);
  expect((await box.run(['destination', 'list'])).stdout).toMatch(/STATE\n.* present\n/);
  await rename(box.path('backup'), box.path('away'));

  const refused = await box.run(['backup', 'file:./backup']);
  expect(refused.exitCode).toBe(3);
  expect(refused.stderr).toMatch(/no backup exists at file:\S+ any more, though the store was backed up there\./);
  expect(refused.stderr).toMatch(/^hint: see that the disk, bucket or server of file:\S+ is there$/m);
  const [, remove = ''] = /^hint: if \S+ is gone for good.*: securestore (.*)$/m.exec(refused.stderr) ?? [];
  expect(remove).toMatch(/^destination remove file:\S+$/);
  expect(await readdir(box.path()).then((names) => names.includes('backup'))).toBe(false);
  expect((await box.run(['destination', 'list'])).stdout).toMatch(/ gone\n/);
  const health = await box.run(['health']);
  expect(health.exitCode).toBe(7);
  expect(health.stdout).toContain('has no backups any more');

  await rename(box.path('away'), box.path('backup'));
  expect((await box.run(['backup', 'file:./backup'])).stdout).toContain('made snapshot 2');
  await rm(box.path('backup'), { recursive: true });
  expect((await box.run(remove.split(' '))).exitCode).toBe(0);
  expect((await box.run(['backup', 'file:./backup'])).stdout).toContain('made snapshot 1');
  expect((await box.run(['health'])).exitCode).toBe(0);
});

it.runIf(LONG)(onlyLong('two destinations at one URL are told apart by their ids'), async () => {
  const box = await sandbox('file');
  await box.seed({ k: 'x' });
  expect((await box.run(['backup', 'file:./backup'])).exitCode).toBe(0);
  await rm(box.path('backup'), { recursive: true });
  expect((await box.run(['destination', 'add', 'file:./backup'])).exitCode).toBe(0);
  const listed = jsonLines((await box.run(['destination', 'list', '--json'])).stdout);
  expect(listed.map(({ state }) => state)).toEqual(['another destination is there', 'present']);
  const ids = listed.map(({ id }) => String(id));
  expect((await box.run(['destination', 'list'])).stdout).toContain(`present                       ${ids[1]}`);
  const refused = await box.run(['destination', 'remove', 'file:./backup']);
  expect(refused.exitCode).toBe(6);
  for (const id of ids) expect(refused.stderr).toContain(id);
  expect((await box.run(['destination', 'remove', ids[0] ?? ''])).exitCode).toBe(0);
  expect(jsonLines((await box.run(['destination', 'list', '--json'])).stdout)).toMatchObject([{ id: ids[1] }]);
});

it.runIf(LONG)(
  onlyLong('a verification by hand that fails counts for health, and the next backup copies everything again'),
  async () => {
    const box = await sandbox('file');
    await box.seed({ k: 'x' });
    expect((await box.run(['backup', 'file:./backup'])).exitCode).toBe(0);
    await rm(box.path('backup', 'd'), { recursive: true });
    const verified = await box.run(['verify', 'file:./backup']);
    expect(verified.exitCode).toBe(5);
    expect(verified.stdout).toContain('the next backup of the store to this destination copies everything again');
    const sick = await box.run(['health']);
    expect(sick.exitCode).toBe(7);
    expect(sick.stdout).toContain('the last verification of the backup');
    const made = await box.run(['backup', 'file:./backup']);
    expect(made.stdout).toContain('copied 1 version');
    const checked = `to check what is there now: securestore verify file:${box.path('backup')}\n`;
    expect(made.stderr).toContain(`damaged files are copied again; ${checked}`);
    const again = await box.run(['verify', 'file:./backup']);
    expect(again.exitCode).toBe(5);
    expect(again.stdout).toContain('the newest snapshot needs none of it; nothing repairs the older ones');
    expect((await box.run(['restore', 'file:./backup', '--key', 'k', '--stdout'])).stdout).toBe('x');
    // Without the store, a verification works as before.
    await rm(box.path('vault'), { recursive: true });
    const without = await box.run(['verify', 'file:./backup']);
    expect(without.exitCode).toBe(5);
    expect(without.stdout).toContain(
      'the store does not know of it: give the store without --unchanged, and its next backup here copies',
    );
  },
);

it.runIf(LONG)(onlyLong('a newest snapshot that is gone is told by every check, until the next backup'), async () => {
  const box = await sandbox('file');
  await box.seed({ k: 'x' });
  for (let number = 1; number <= 3; number++) expect((await box.run(['backup', 'file:./backup'])).exitCode).toBe(0);
  const points = (await readdir(box.path('backup', 's'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted();
  expect(points).toHaveLength(3);
  // Names run from the newest to the oldest.
  await rm(points[0] ?? expect.unreachable());
  const gone = `the newest snapshot at file:${box.path('backup')} was 3, and is now 2`;
  for (const more of [[], ['--payloads'], ['--rolling', '30d']]) {
    const verified = await box.run(['verify', 'file:./backup', ...more]);
    expect(verified.exitCode).toBe(5);
    expect(verified.stdout).toContain(gone);
    expect(verified.stdout).toContain('the next backup of the store to this destination reads the whole store; ');
  }
  const drilled = await box.run(['drill', 'file:./backup']);
  expect(drilled.exitCode).toBe(5);
  expect(drilled.stdout).toContain(gone);
  const sick = await box.run(['health']);
  expect(sick.exitCode).toBe(7);
  expect(sick.stdout).toContain(gone);
  expect((await box.run(['destination', 'list'])).stdout).toContain('has lost its newest snapshots');
  const restored = await box.run(['restore', 'file:./backup', '--key', 'k', '--dry-run']);
  expect(restored).toMatchObject({ exitCode: 0 });
  expect(restored.stderr).toContain(`finding: ${gone}`);
  // The number is used again, so a verification has no damage to list any more.
  const check = `to check what is there now: securestore verify file:${box.path('backup')}\n`;
  expect((await box.run(['backup', 'file:./backup'])).stderr).toContain(
    `finding: ${gone}: snapshots were removed or replaced; ${check}`,
  );
  for (const verb of ['verify', 'drill']) {
    expect(await box.run([verb, 'file:./backup'])).toMatchObject({ exitCode: 0 });
  }
  expect((await box.run(['health'])).stdout).not.toContain(gone);
});

it.each(['damaged', 'missing'] as const)(
  'keys of a destination that are %s come back with the next backup',
  async (state) => {
    const box = await sandbox('file');
    await box.seed({ k: 'x' });
    expect((await box.run(['backup', 'file:./backup'])).exitCode).toBe(0);
    const file = box.path('backup', 'keys+');
    const body = await readFile(file);
    body[100] = (body[100] ?? 0) ^ 1;
    await (state === 'damaged' ? writeFile(file, body) : rm(file));
    const commands = [['verify'], ['snapshots'], ['drill'], ['restore', '--key', 'k', '--stdout']] as const;
    for (const [command, ...options] of commands) {
      const refused = await box.run([command, 'file:./backup', ...options]);
      expect(refused.exitCode).toBe(5);
      expect(refused.stderr).toContain('Without it the backups there cannot be opened.');
      expect(refused.stderr).toMatch(/^hint: .*securestore backup /m);
    }
    const made = await box.run(['backup', 'file:./backup']);
    expect(made.stderr).toContain(
      `the object "keys" at file:${box.path('backup')} was ${state}, and was written again`,
    );
    for (const [command, ...options] of commands) {
      expect(await box.run([command, 'file:./backup', ...options])).toMatchObject({ exitCode: 0 });
    }
  },
);

import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { jsonLines, sandbox } from '../support/cli.ts';

describe('import --dry-run', () => {
  it('counts what a folder would create, replace and leave, and stores nothing', async () => {
    const box = await sandbox();
    await box.seed({ 'in/same': 'same', 'in/other': 'old' });
    await mkdir(box.path('files'));
    for (const [name, text] of [
      ['same', 'same'],
      ['other', 'new'],
      ['fresh', 'x'],
      ['empty', ''],
    ] as const) {
      await writeFile(box.path('files', name), text);
    }
    await writeFile(box.path('files', 'large'), 'y'.repeat(2_000_000));
    await symlink('same', box.path('files', 'link'));
    const args = ['import', 'files', '--prefix', 'in', '--dry-run'];
    const planned = await box.run(args);
    expect(planned).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/\nto import: 3 created, 1 replaced, 1 unchanged, 1 skipped\n$/),
    });
    expect(planned.stdout.split('\n').slice(0, 4).toSorted()).toEqual([
      'create in/empty',
      'create in/fresh',
      'create in/large',
      'replace in/other',
    ]);
    const lines = jsonLines((await box.run([...args, '--json'])).stdout);
    expect(lines.at(-1)).toEqual({
      summary: { dryRun: true, created: 3, replaced: 1, unchanged: 1, skipped: 1, failed: 0 },
    });
    expect(lines.slice(0, -1).toSorted((a, b) => (String(a['name']) < String(b['name']) ? -1 : 1))).toMatchObject([
      { name: 'empty', status: 'created', key: 'in/empty' },
      { name: 'fresh', status: 'created' },
      { name: 'large', status: 'created' },
      { name: 'link', status: 'skipped' },
      { name: 'other', status: 'replaced' },
      { name: 'same', status: 'unchanged' },
    ]);
    expect(lines.filter(({ status }) => status === 'created').some((line) => 'version' in line)).toBe(false);
    expect((await box.run(['ls'])).stdout).toBe('in/other\nin/same\n');
    expect(jsonLines((await box.run(['history', 'in/other', '--json'])).stdout)).toHaveLength(1);
    expect((await box.run(args.slice(0, -1))).stdout).toBe('imported: 4 stored, 1 unchanged, 1 skipped\n');
    expect((await box.run(args)).stdout).toBe('to import: 5 unchanged, 1 skipped\n');
  });

  it('does so for a .env file, with exit code 8 if some would fail', async () => {
    const box = await sandbox();
    await box.seed({ A: '1' });
    await writeFile(box.path('.env'), 'A=2\nB=3\na b=4\n');
    const planned = await box.run(['import', '.env', '--dry-run']);
    expect(planned).toMatchObject({
      exitCode: 8,
      stdout: expect.stringMatching(
        /^(?:create|replace) \S+\n(?:create|replace) \S+\nto import: 1 created, 1 replaced, 1 failed\n$/,
      ),
    });
    expect((await box.run(['ls'])).stdout).toBe('A\n');
    await mkdir(box.path('none'));
    expect((await box.run(['import', 'none', '--dry-run'])).stdout).toBe('to import: nothing to do\n');
  });
});

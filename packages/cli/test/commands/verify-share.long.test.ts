import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { backupScene } from '../support/backups.ts';
import { jsonLines } from '../support/cli.ts';

const TIME = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ`;

/** The largest file below a folder. */
async function largestBelow(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sized = await Promise.all(files.map(async (file) => ({ file, size: (await stat(file)).size })));
  return sized.toSorted((a, b) => b.size - a.size)[0]?.file ?? '';
}

describe.concurrent('verify --rolling', { timeout: 120_000 }, () => {
  it('reads what is due, says since when everything was read, and goes on with the next run', async ({
    expect,
    onTestFinished,
  }) => {
    const { run, destination } = await backupScene(onTestFinished);
    await run(['backup', destination]);
    const first = await run(['verify', destination, '--rolling', '30d']);
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toMatch(
      // Which file comes first chance decides, and whether that is all that is due.
      /^nothing is wrong among 1 snapshot, \d+ files?, [^\n]+\nthis was what was due of 29\d KiB; (?:some of it was never|all of it was) read/,
    );
    const all = await run(['verify', destination, '--rolling', '2d', '--json']);
    expect(jsonLines(all.stdout)).toMatchObject([
      { summary: { ok: true, depth: 'complete', rolling: { checkedSince: expect.any(String) } } },
    ]);
    const later = await run(['verify', destination, '--rolling', '30d']);
    expect(later.stdout).toMatch(new RegExp(`all of it was read since ${TIME}\n$`));
  });

  it('tells of a file that is missing, with exit code 5, every time', async ({ expect, onTestFinished }) => {
    const { run, destination, path } = await backupScene(onTestFinished);
    await run(['backup', destination]);
    await rm(await largestBelow(path('backup')));
    for (const _ of [1, 2]) {
      const found = await run(['verify', destination, '--rolling', '400d']);
      expect(found.exitCode).toBe(5);
      expect(found.stdout).toMatch(
        /^missing: b\/\S+: the file \S+ of the backup is missing; affects snapshot 1.*: large/,
      );
    }
  });

  it.for([
    [['verify', '--rolling', '30d'], '--rolling needs a destination'],
    [['verify', 'file:./x', '--rolling', 'soon'], '--rolling must be a length of time such as 12h or 30d, got "soon"'],
    [['verify', 'file:./x', '--rolling', '1m'], '--rolling must be a length of time from 1h to 3660d, got "1m"'],
    [['verify', 'file:./x', '--rolling', '1d', '--payloads'], 'cannot be used with'],
  ] as const)('%j is refused', async ([args, message], { expect, onTestFinished }) => {
    const { run } = await backupScene(onTestFinished);
    const refused = await run(args);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toContain(message);
  });

  it('is what a schedule does', async ({ expect, onTestFinished }) => {
    const { run, destination } = await backupScene(onTestFinished);
    await run(['backup', destination]);
    const add = ['schedule', 'add', 'check', destination, '--cron', '0 3 * * *', '--task', 'verify'];
    expect(await run([...add, '--rolling', '30d'])).toMatchObject({ exitCode: 0 });
    expect((await run(['schedule'])).stdout).toMatch(/check\s+0 3 \* \* \*\s+verify within 720 h/);
  });
});

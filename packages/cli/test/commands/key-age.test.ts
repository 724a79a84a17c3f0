import { expect, it, onTestFinished } from 'vitest';
import { backupScene } from '../support/backups.ts';
import { jsonLines } from '../support/cli.ts';

const timesOf = (keys: readonly Readonly<Record<string, unknown>>[]): unknown[] => keys.map(({ created }) => created);

it('a migration adds key versions as old as those that they follow, and key list explains that', async () => {
  const { run, path, url } = await backupScene(onTestFinished);
  const primaries = async (...store: string[]): Promise<readonly Readonly<Record<string, unknown>>[]> =>
    jsonLines((await run(['key', 'list', '--json', ...store])).stdout).filter(({ state }) => state === 'primary');
  const before = await primaries();
  const to = `file:${path('moved')}`;
  expect((await run(['migrate', url, to])).exitCode).toBe(0);
  const after = await primaries('--store', to);
  expect(after).toHaveLength(before.length);
  const old = new Set(before.map(({ id }) => id));
  expect(after.filter(({ id }) => old.has(id))).toEqual([]);
  expect(timesOf(after)).toEqual(timesOf(before));
  const help = (await run(['help', 'key', 'list'])).stdout.replaceAll(/\s+/g, ' ');
  expect(help).toContain('versions that keep the time of those they follow');
  // A rotation makes them young.
  expect((await run(['rotate', '--same-secret', '--store', to])).exitCode).toBe(0);
  for (const time of timesOf(await primaries('--store', to)))
    expect(Date.parse(String(time))).toBeGreaterThan(Date.parse(String(before[0]?.['created'])));
}, 120_000);

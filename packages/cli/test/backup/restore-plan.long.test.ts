import { describe, it } from 'vitest';
import { backupScene } from '../support/backups.ts';
import { jsonLines } from '../support/cli.ts';

// It waits six seconds for other processes.
describe('restore --dry-run', { timeout: 120_000 }, () => {
  it('shows a person the first names of each kind, and lists all with --json', async ({ expect, onTestFinished }) => {
    const { run, using, destination } = await backupScene(onTestFinished);
    const names = Array.from({ length: 123 }, (_, index) => `many/${String(index).padStart(3, '0')}`);
    await using(async (store) => {
      for (const name of names) await store.store(name, 'x');
    });
    expect((await run(['backup', destination])).exitCode).toBe(0);
    await using(async (store) => {
      for (const name of names) await store.purge(name);
      await store.store('db/a', 'second');
    });
    const dry = ['restore', destination, '--dry-run'];
    const planned = await run(dry);
    expect(planned).toMatchObject({ exitCode: 0, stderr: '' });
    const lines = planned.stdout.trimEnd().split('\n');
    expect(lines.slice(0, 20).every((line) => /^new: many\/\d{3}$/.test(line))).toBe(true);
    expect(lines.slice(20, -1)).toEqual(['new: … and 103 more; --json lists all', 'overwrite: db/a']);
    expect(lines.at(-1)).toMatch(/^would restore from snapshot 1 of .*: 123 created, 1 replaced, 3 unchanged; 128 B$/);

    const events = jsonLines((await run([...dry, '--json'])).stdout);
    const would = (kind: string): string[] =>
      events
        .filter((event) => event['would'] === kind)
        .map(({ key }) => String(key))
        .toSorted();
    expect(would('create')).toEqual(names);
    expect(would('overwrite')).toEqual(['db/a']);
    expect(would('nothing')).toEqual(['db/b', 'large', 'web/c']);
    expect(events).toHaveLength(names.length + 5);
    expect((await run(['get', 'db/a'])).stdout).toBe('second');
  });
});

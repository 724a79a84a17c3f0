import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { changedScene } from '../support/backups.ts';
import { jsonLines } from '../support/cli.ts';

// Most of it is waiting for other processes, six seconds each time, so the tests wait side by side.
describe.concurrent('drill', { timeout: 120_000 }, () => {
  it('writes its receipt over no other file, unless it is told so', async ({ expect, onTestFinished }) => {
    const { run, destination, path } = await changedScene(onTestFinished);
    const receipt = path('receipt.json');
    const args = ['drill', destination, '--receipt', receipt];
    const first = await run(args);
    expect(first.exitCode).toBe(0);
    expect(first.stdout).toMatch(/^the backup can be restored\nrestored snapshot 1 of \S+ \S+Z in /);
    expect(first.stderr).toBe(`wrote the receipt, signed by the store, to ${receipt}\n`);
    const written = await readFile(receipt, 'utf8');
    const refused = await run(args);
    expect(refused).toMatchObject({ exitCode: 6, stdout: '' });
    expect(refused.stderr).toBe(
      `error: the file "${receipt}" already exists. Nothing was changed. [ALREADY_EXISTS]\n` +
        'hint: choose another file, or add --yes to replace it\n',
    );
    expect(await readFile(receipt, 'utf8')).toBe(written);
    expect((await run([...args, '--yes'])).exitCode).toBe(0);
    expect(await readFile(receipt, 'utf8')).not.toBe(written);
  });

  it('that fails says what failed, in which snapshot, and what to do, with exit code 5', async ({
    expect,
    onTestFinished,
  }) => {
    const { run, destination, path } = await changedScene(onTestFinished);
    const blobs = await readdir(path('backup', 'b'), { recursive: true, withFileTypes: true });
    for (const entry of blobs) {
      const file = join(entry.parentPath, entry.name);
      if (entry.isFile() && (await stat(file)).size > 100_000) await rm(file);
    }
    const options = `--key-file ${path('vault.key')} --no-anchor`;
    const next =
      `to list the damage, and have the next backup there copy everything again: securestore verify ${destination} --payloads ${options}; ` +
      `then, while the store exists: securestore backup ${destination} ${options}; to try an earlier snapshot: drill --snapshot`;
    const failed = await run(['drill', destination]);
    expect(failed).toMatchObject({ exitCode: 5, stderr: '' });
    expect(failed.stdout).toMatch(/^finding: "large": the file b\/\S+ of the backup is missing\n/);
    expect(failed.stdout).toMatch(
      /\nsnapshot 1 cannot be relied on: 1 finding\nrestored snapshot 1 of [^:]+:\d\d:\d\dZ in [^:]+: 3 of 4 objects in 3 versions, /,
    );
    const intact = `securestore restore ${destination} --snapshot 1 --to URL --partial ${options}`;
    expect(failed.stdout).toContain(`\nto restore what is intact to a new store: ${intact}\n`);
    expect(failed.stdout.endsWith(`\n${next}\n`)).toBe(true);
    expect(jsonLines((await run(['drill', destination, '--json'])).stdout).at(-1)).toMatchObject({
      summary: { ok: false, snapshot: 1 },
    });

    // A snapshot that can't even be read.
    for (const entry of await readdir(path('backup', 's'), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) await writeFile(join(entry.parentPath, entry.name), 'no point');
    const unreadable = await run(['drill', destination]);
    expect(unreadable).toMatchObject({ exitCode: 5, stdout: '' });
    expect(unreadable.stderr).toMatch(
      /\[INTEGRITY\]\nhint: to see what is damaged, and have the next backup there copy everything again: securestore verify .* --payloads .*\nhint: then, while the store is there: securestore backup .*\nhint: .*--snapshot NUMBER\n/,
    );
  });
});

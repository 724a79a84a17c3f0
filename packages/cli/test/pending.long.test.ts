import { rename, rm, writeFile } from 'node:fs/promises';
import { describe, it } from 'vitest';
import { backupScene, type BackupScene } from './support/backups.ts';
import { jsonLines } from './support/cli.ts';

/** Makes the folder with the backups one that nobody can reach, as when a disk is not mounted. */
async function unreachable({ path }: BackupScene): Promise<() => Promise<void>> {
  await rename(path('backup'), path('elsewhere'));
  await writeFile(path('backup'), 'not a folder');
  return async () => {
    await rm(path('backup'));
    await rename(path('elsewhere'), path('backup'));
  };
}

// Most of it is waiting for other processes, six seconds each time, so the tests wait side by side.
describe.concurrent('a destination that can not be reached', { timeout: 120_000 }, () => {
  it('rotate says which backups it did not reach, with exit code 8, and the next one reaches them', async ({
    expect,
    onTestFinished,
  }) => {
    const scene = await backupScene(onTestFinished);
    const { run, destination } = scene;
    await run(['backup', destination]);
    const back = await unreachable(scene);
    const listed = await run(['destinations']);
    expect(listed.stdout).toMatch(
      new RegExp(`^DESTINATION +SINCE +KEEPS +STATE\n${destination} +\\S+ \\S+Z +everything +cannot be read .*\n$`),
    );
    const rotated = await run(['rotate', '--same-secret']);
    expect(rotated).toMatchObject({ exitCode: 8, stderr: '' });
    expect(rotated.stdout).toContain(
      `changed in the store, but not in the backups at ${destination}, which were not reached\n` +
        'their backups still need the old keys: once they can be reached, run securestore rotate --same-secret\n',
    );
    await back();
    const again = await run(['rotate', '--same-secret', '--json']);
    expect(again).toMatchObject({ exitCode: 0, stderr: '' });
    const [line] = jsonLines(again.stdout);
    expect(line).toMatchObject({ summary: { pending: [], failed: 0, remaining: {} } });
    expect(line).toHaveProperty('summary.retired.0');
    expect((await run(['verify', destination, '--payloads'])).exitCode).toBe(0);
  });

  // T-BACKUP-06
  it('keys says where destroyed keys are still to be had, until they are gone there too', async ({
    expect,
    onTestFinished,
  }) => {
    const scene = await backupScene(onTestFinished);
    const { run, destination, path } = scene;
    await run(['backup', destination]);
    const back = await unreachable(scene);
    const note =
      `changed in the store, but not in the backups at ${destination}, which were not reached\n` +
      'their copies of the destroyed keys still decrypt their backups: once they can be reached, run securestore key list, which removes these\n';
    const destroyed = await run(['key', 'destroy', 'default', '--wait', '0d', '--yes', '--json']);
    expect(destroyed).toMatchObject({ exitCode: 8, stderr: '' });
    expect(jsonLines(destroyed.stdout)).toMatchObject([{ state: 'destroyed', pendingAt: [destination] }]);
    const listed = await run(['key', 'list']);
    expect(listed).toMatchObject({ exitCode: 8, stderr: note });
    await back();
    expect(await run(['key', 'list'])).toMatchObject({ exitCode: 0, stderr: '' });
    const restored = await run(['restore', destination, '--to', `file:${path('again')}`]);
    expect(restored.stdout).toContain('left out, since their keys were destroyed: 4 versions');
  });

  it('a destination that is gone for good is unregistered, and nothing waits for it any more', async ({
    expect,
    onTestFinished,
  }) => {
    const scene = await backupScene(onTestFinished);
    const { run, destination, path } = scene;
    expect((await run(['destinations'])).stderr).toBe(
      `the store is backed up nowhere yet; to back up: securestore backup URL --key-file ${path('vault.key')} --no-anchor\n`,
    );
    await run(['backup', destination]);
    await unreachable(scene);
    const gone = await run(['destinations', 'remove', destination]);
    expect(gone).toMatchObject({ exitCode: 0, stderr: '' });
    expect(gone.stdout).toBe(
      `${destination} is no longer a destination; its backups stay, and need the encryption keys that are there now\n`,
    );
    expect((await run(['destinations', 'remove', destination])).exitCode).toBe(3);
    expect((await run(['destinations', 'remove'])).exitCode).toBe(2);
    expect(jsonLines((await run(['destinations', '--json'])).stdout)).toEqual([]);
    expect((await run(['rotate', '--same-secret'])).exitCode).toBe(0);
  });
});

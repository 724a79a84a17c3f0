import { chown, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { removeAbandoned, useTemporaryFolder, whyOnDisk } from '../src/temporary-files.ts';
import type { Machine } from '../src/temporary-files.ts';

const GIB = 2 ** 30;
const ROOMY: Machine = {
  mounts: 'proc /proc proc rw 0 0\ntmpfs /dev/shm tmpfs rw,nosuid 0 0\n',
  memory: 'MemTotal:       16000000 kB\nMemAvailable:   8000000 kB\n',
  freeBytes: 4 * GIB,
  given: undefined,
};

describe('temporary files of tests', () => {
  it('are in memory if there is room', () => {
    expect(whyOnDisk(ROOMY)).toBeUndefined();
    expect(whyOnDisk({ ...ROOMY, given: '' })).toBeUndefined();
  });

  it.each<[string, Partial<Machine>]>([
    ['TMPDIR is set', { given: '/var/tmp' }],
    ['/dev/shm is not in memory', { mounts: '' }],
    ['/dev/shm is not in memory', { mounts: `${ROOMY.mounts}/dev/vdb /dev/shm ext4 rw 0 0\n` }],
    ['/dev/shm is mounted with noexec', { mounts: 'shm /dev/shm tmpfs rw,nosuid,noexec 0 0\n' }],
    ['/dev/shm is mounted with ro', { mounts: 'shm /dev/shm tmpfs ro,nosuid 0 0\n' }],
    ['/dev/shm has less than 2 GiB left', { freeBytes: 64 * 2 ** 20 }],
    ['less than 4 GiB of memory are available', { memory: 'MemAvailable:   4000000 kB\n' }],
    ['less than 4 GiB of memory are available', { memory: '' }],
  ])('are on the disk if %s', (reason, machine) => {
    expect(whyOnDisk({ ...ROOMY, ...machine })).toBe(reason);
  });

  it('are on the disk for tests of files', () => {
    const folders = { SECURESTORE_TEST_DISK: '/disk', SECURESTORE_TEST_MEMORY: '/memory' };
    const folderOf = (file: string, env: NodeJS.ProcessEnv = { ...folders }): string | undefined => {
      useTemporaryFolder(`/checkout/${file}`, env);
      return env['TMPDIR'];
    };
    expect(folderOf('packages/backend-fs/test/conformance.test.ts')).toBe('/disk');
    expect(folderOf('packages/backend-sqlite/test/crash.test.ts')).toBe('/disk');
    expect(folderOf('packages/cli/test/crash-images.test.ts')).toBe('/disk');
    expect(folderOf('packages/cli/test/commands/get.test.ts', { ...folders, TMPDIR: '/disk' })).toBe('/memory');
    expect(folderOf('packages/cli/test/commands/get.test.ts', { TMPDIR: '/given' })).toBe('/given');
    expect(folderOf('packages/cli/test/commands/get.test.ts', {})).toBeUndefined();
  });

  it('of a run that was killed are removed by the next one, and no others', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'securestore-abandoned-'));
    onTestFinished(() => rm(parent, { recursive: true }));
    const ended = Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));
    const others = [`securestore-${process.pid}-AbCdEf`, 'securestore-sqlite-AbCdEf', `other-${ended}-AbCdEf`];
    for (const name of [...others, `securestore-${ended}-AbCdEf`]) {
      await mkdir(join(parent, name));
      await writeFile(join(parent, name, 'file'), '');
    }
    await symlink(others[1] ?? '', join(parent, `securestore-${ended}-ALink`));
    await removeAbandoned(parent);
    expect((await readdir(parent)).toSorted()).toEqual([...others, `securestore-${ended}-ALink`].toSorted());
  });

  it.skipIf(process.getuid?.() !== 0)('of another user are left (only root can try)', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'securestore-abandoned-'));
    onTestFinished(() => rm(parent, { recursive: true }));
    const ended = Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));
    const folder = join(parent, `securestore-${ended}-AbCdEf`);
    await mkdir(folder);
    await chown(folder, 65_534, 65_534);
    await removeAbandoned(parent);
    expect(await readdir(parent)).toHaveLength(1);
  });
});

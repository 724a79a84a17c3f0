import { randomBytes } from 'node:crypto';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTargetFolder } from '../../src/folder/target-folder.ts';

async function* text(data: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(data);
}

/** A folder for an export and one beside it that nothing may be written to. */
async function folders(): Promise<{ readonly out: string; readonly outside: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-export-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const outside = join(folder, 'outside');
  await mkdir(join(outside, 'b'), { recursive: true });
  return { out: join(folder, 'out'), outside };
}

function open(out: string, platform: NodeJS.Platform): ReturnType<typeof openTargetFolder> {
  return openTargetFolder(out, { platform, random: randomBytes, isOwn: () => false });
}

async function swapForLink(path: string, target: string): Promise<void> {
  await rename(path, `${path}-moved`);
  await symlink(target, path);
}

const IN_THE_WAY = {
  code: 'ALREADY_EXISTS',
  message: expect.stringContaining('a symbolic link already exists at "a"'),
};

describe.each(['linux', 'darwin'] as const)('an export as it is done on %s', (platform) => {
  it('writes nothing through a folder that became a link between two files', async () => {
    const { out, outside } = await folders();
    await using folder = await open(out, platform);
    {
      await using one = await folder.place('a/b/one');
      await one.write(text('1'));
    }
    await swapForLink(join(out, 'a'), outside);
    await expect(folder.place('a/b/two')).rejects.toMatchObject(IN_THE_WAY);
    await expect(folder.place('a/two')).rejects.toMatchObject(IN_THE_WAY);
    expect(await readdir(outside, { recursive: true })).toEqual(['b']);
    expect(await readFile(join(out, 'a-moved', 'b', 'one'), 'utf8')).toBe('1');
  });

  it('changes no mode through a file that became a link', async () => {
    const { out, outside } = await folders();
    await mkdir(out);
    for (const path of [join(out, 'k'), join(outside, 'k')]) {
      await writeFile(path, 'x');
      await chmod(path, 0o644);
    }
    await using folder = await open(out, platform);
    await using place = await folder.place('k');
    await swapForLink(join(out, 'k'), join(outside, 'k'));
    await expect(place.keep()).rejects.toMatchObject({ message: expect.stringContaining('"k"') });
    expect((await stat(join(outside, 'k'))).mode & 0o777).toBe(0o644);
  });

  it('names files as they were asked for in errors', async () => {
    const { out } = await folders();
    await using folder = await open(out, platform);
    await using place = await folder.place('a/k');
    await mkdir(join(out, 'a', 'k', 'full'), { recursive: true });
    await expect(place.write(text('x'))).rejects.toMatchObject({ message: expect.stringContaining('"a/k"') });
    await writeFile(join(out, 'file'), 'x');
    await expect(folder.place('file/below')).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      message: expect.stringContaining('a file already exists at "file"'),
    });
  });
});

/** The paths at and below a folder that this process has open. What other tests have left it may close meanwhile. */
async function openBelow(folder: string): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd');
  const paths = await Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return paths.filter((path) => `${path}/`.startsWith(`${folder}/`));
}

const linux = process.platform === 'linux';

describe.skipIf(!linux)(`on Linux${linux ? '' : ' (skipped: this is another system)'}, an export`, () => {
  it('writes where the folder was, not through a link that takes its place while a file is written', async () => {
    const { out, outside } = await folders();
    await using folder = await open(out, 'linux');
    await using place = await folder.place('a/b/k');
    await place.write(
      (async function* swapping() {
        yield Buffer.from('1');
        await swapForLink(join(out, 'a'), outside);
        yield Buffer.from('2');
      })(),
    );
    expect(await readdir(outside, { recursive: true })).toEqual(['b']);
    expect(await readFile(join(out, 'a-moved', 'b', 'k'), 'utf8')).toBe('12');
  });

  it('writes below the folder that it began with, also if that is swapped', async () => {
    const { out, outside } = await folders();
    await using folder = await open(out, 'linux');
    await swapForLink(out, outside);
    await using place = await folder.place('b/k');
    await place.write(text('x'));
    expect(await readdir(outside, { recursive: true })).toEqual(['b']);
    expect(await readFile(join(`${out}-moved`, 'b', 'k'), 'utf8')).toBe('x');
  });

  it('lets every folder go', async () => {
    const { out } = await folders();
    const around = await realpath(dirname(out));
    {
      await using folder = await open(out, 'linux');
      expect(await openBelow(around)).not.toEqual([]);
      for (const name of ['a/b/c/one', 'a/b/two', 'three']) {
        await using place = await folder.place(name);
        await place.write(text('x'));
      }
      await expect(folder.place('three/below')).rejects.toThrow('already exists at');
      await expect(folder.place('a')).rejects.toThrow('already exists at');
    }
    expect(await openBelow(around)).toEqual([]);
  });
});

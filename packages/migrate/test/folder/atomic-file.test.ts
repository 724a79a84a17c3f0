import { lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isTemporaryName, writeFileAtomically } from '../../src/folder/atomic-file.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'securestore-file-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

function zeros(size: number): Uint8Array {
  return new Uint8Array(size);
}

async function* chunks(...texts: readonly (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    if (text instanceof Error) throw text;
    yield Buffer.from(text);
  }
}

describe('writeFileAtomically', () => {
  it('leaves the old file and nothing else where the data breaks off', async () => {
    const path = await folder();
    await writeFile(join(path, 'file'), 'old');
    const broken = writeFileAtomically(join(path, 'file'), chunks('new', new Error('broken')));
    await expect(broken).rejects.toThrow('broken');
    expect(await readdir(path)).toEqual(['file']);
    expect(await readFile(join(path, 'file'), 'utf8')).toBe('old');
  });

  it('keeps what it has not finished under a name that imports pass over', async () => {
    const path = await folder();
    let during: string[] = [];
    async function* watched(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      during = await readdir(path);
    }
    await writeFileAtomically(join(path, 'file'), watched());
    expect(during.map(isTemporaryName)).toEqual([true]);
    expect(['file', '.securestore.tmp', '.securestore-0123.tmp'].map(isTemporaryName)).toEqual([false, false, false]);
  });

  it('does not write through a link that waits under the temporary name, or over one', async () => {
    const path = await folder();
    await writeFile(join(path, 'target'), 'untouched');
    await symlink('target', join(path, '.securestore-0000000000000000.tmp'));
    await expect(writeFileAtomically(join(path, 'file'), chunks('x'), { random: zeros })).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    expect((await lstat(join(path, '.securestore-0000000000000000.tmp'))).isSymbolicLink()).toBe(true);
    await symlink('target', join(path, 'link'));
    await writeFileAtomically(join(path, 'link'), chunks('x'));
    expect(await readFile(join(path, 'target'), 'utf8')).toBe('untouched');
    expect((await lstat(join(path, 'link'))).mode & 0o777).toBe(0o600);
  });
});

import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openRegularFile, readBytes } from '../../src/folder/regular-file.ts';

it('a file that somebody goes on writing to is not read without end into memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-file-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'log');
  await writeFile(path, 'short');
  await using file = await openRegularFile(path, new AbortController().signal);
  expect(Buffer.from(await readBytes(file, 5)).toString()).toBe('short');
  await appendFile(path, Buffer.alloc(10_000));
  await expect(readBytes(file, 5)).rejects.toMatchObject({ code: 'TOO_LARGE' });
});

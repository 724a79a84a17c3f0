import { spawnSync } from 'node:child_process';
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { NO_LIMITS, withFewDescriptors } from '../../../backend-fs/test/support/few-descriptors.ts';
import { NO_TRACER } from '../../../../tools/campaigns/src/trace/tracer.ts';
import { toStoreError } from '../../src/connection/errors.ts';
import { openAt, scratchFolder } from '../support/stores.ts';

const READER = fileURLToPath(new URL('../support/reader-process.ts', import.meta.url));

test('a process without descriptors opens a database as soon as there are some', async (context) => {
  if (NO_LIMITS !== undefined) context.skip(NO_LIMITS);
  const url = `sqlite:${join(scratchFolder(), 'vault.db')}`;
  expect(await withFewDescriptors('@securestore/backend-sqlite', url, 'open')).toEqual([{ status: 'done' }]);
});

test.each(['EMFILE', 'ENFILE'])('%s says that too many files are open, and that trying again may help', (code) => {
  const error = toStoreError(Object.assign(new Error('x'), { code }), '/vault.db', { operation: 'read' });
  expect(error).toMatchObject({
    code: 'UNAVAILABLE',
    retryable: true,
    message: expect.stringContaining('too many files are open'),
  });
});

/** A database of some megabytes, of which nothing is in the log. */
async function largeDatabase(): Promise<string> {
  const path = join(scratchFolder(), 'vault.db');
  const backend = await openAt(path);
  for (let n = 0; n < 8; n++) await backend.write(`o/${n}`, new Uint8Array(400_000).fill(n));
  await backend.close();
  return path;
}

interface ReaderSaid {
  readonly code?: string;
  readonly message?: string;
}

/** Reads everything in a process of which the disk gives nothing from the nth read on. */
function readWithout(path: string, nth: string): ReaderSaid[] {
  const node = [process.execPath, '--conditions=@securestore/source', '--no-warnings', READER, path];
  const inject = ['-e', 'trace=pread64', '-P', path, '-e', `inject=pread64:error=EIO:when=${nth}`];
  const { stdout, stderr } = spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', ...inject, ...node], {
    encoding: 'utf8',
  });
  const said = stdout.split('\n').filter((line) => line !== '');
  if (said.length === 0) throw new Error(`the reader said nothing: ${stderr}`);
  return said.map((line) => JSON.parse(line) as ReaderSaid);
}

test('a disk that gives no more pages is UNAVAILABLE, and no damage of the database', async (context) => {
  if (NO_TRACER !== undefined) context.skip(NO_TRACER);
  const path = await largeDatabase();
  const said = readWithout(path, '40+');
  const failed = said.filter(({ code }) => code !== undefined);
  expect(failed.length).toBeGreaterThan(0);
  for (const error of failed)
    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('the disk cannot read or write'),
    });
});

test('a page that the disk does not give for once is read again', async (context) => {
  if (NO_TRACER !== undefined) context.skip(NO_TRACER);
  expect(readWithout(await largeDatabase(), '40')).toEqual(Array.from({ length: 8 }, () => ({})));
});

test('a page that was overwritten is damage all the same', async () => {
  const path = await largeDatabase();
  const { size } = statSync(path);
  const descriptor = openSync(path, 'r+');
  for (let at = 8192; at < size; at += 8192) writeSync(descriptor, Buffer.alloc(8192, 0xff), 0, 8192, at);
  closeSync(descriptor);
  const backend = await openAt(path);
  await expect(backend.read('o/1')).rejects.toMatchObject({
    code: 'INTEGRITY',
    message: `${path}: the database is damaged`,
    advice: [{ id: 'restore-store' }],
  });
});

import { access, mkdir, open, readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { fileError, SecureStoreError, systemCodeOf, systemReasonOf } from '../../src/index.ts';

async function thrownBy(work: () => Promise<unknown>): Promise<unknown> {
  return await work().then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('an error of the file system', () => {
  it('says what was tried and why it could not be done, under the code of what is to be done', async () => {
    const missing = await thrownBy(() => access('/nowhere/at/all'));
    expect(systemCodeOf(missing)).toBe('ENOENT');
    expect(systemReasonOf(missing)).toBe('no such file or directory');
    expect(fileError(missing, 'cannot read the file "x"')).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'cannot read the file "x": no such file or directory',
      cause: missing,
    });
    const there = await thrownBy(() => mkdir('/'));
    expect(fileError(there, 'cannot make it')).toMatchObject({ code: expect.stringMatching(/EXISTS|INVALID/) });
    const isFile = await thrownBy(() => readdir(import.meta.filename));
    expect(fileError(isFile, 'cannot read the folder')).toMatchObject({ code: 'INVALID_ARGUMENT' });
    const isFolder = await thrownBy(() => open('/', 'w'));
    expect(SecureStoreError.is(fileError(isFolder, 'cannot write'))).toBe(true);
  });

  it('that is unknown is INTERNAL, and says what the system says', () => {
    const error = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });
    expect(fileError(error, 'cannot read')).toMatchObject({ code: 'INTERNAL', message: 'cannot read: i/o error' });
  });

  it('is no other error: those are returned as they are', () => {
    const others = [new Error('x'), new SecureStoreError('NOT_FOUND', 'x'), 'x', undefined, { code: 'ENOENT' }];
    for (const other of others) {
      expect(fileError(other, 'cannot read')).toBe(other);
      expect(systemCodeOf(other)).toBeUndefined();
    }
    expect(systemReasonOf('x')).toBe('unknown reason');
  });

  it('of a working directory that is gone says so', () => {
    const error = Object.assign(new Error('ENOENT: no such file or directory, uv_cwd'), {
      code: 'ENOENT',
      syscall: 'uv_cwd',
    });
    expect(fileError(error, 'x')).toMatchObject({ message: expect.stringContaining('has been removed') });
  });
});

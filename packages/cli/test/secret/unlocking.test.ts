import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { UnlockSecretSource } from '../../src/secret/secret.ts';
import { readSecretFile } from '../../src/secret/secret.ts';
import { unlockWith } from '../../src/secret/unlocking.ts';
import { sandbox } from '../support/cli.ts';

describe('a passphrase that a program which goes on asks for again', () => {
  it('is read anew from its file, and only then', async () => {
    const box = await sandbox('none');
    const path = box.path('passphrase');
    let reads = 0;
    const read = (): Promise<Uint8Array> => {
      reads += 1;
      return readSecretFile(path, 'passphrase');
    };
    await writeFile(path, 'first\n');
    const unlocking = await unlockWith({ kind: 'passphrase', from: 'file', path, read });
    for (let n = 0; n < 2; n++) expect(String(await unlocking.method.secret())).toBe('first');
    expect(reads).toBe(1);
    unlocking[Symbol.dispose]();
    await writeFile(path, 'second\n');
    expect(String(await unlocking.method.secret())).toBe('second');
    await writeFile(path, 'third\n');
    expect(String(await unlocking.method.secret())).toBe('third');
  });

  it('is nothing that a person is asked for in the middle of something else', async () => {
    let asked = 0;
    const typed: UnlockSecretSource = {
      kind: 'passphrase',
      from: 'terminal',
      read: async () => {
        asked += 1;
        return Buffer.from('typed');
      },
    };
    const unlocking = await unlockWith(typed);
    expect(String(await unlocking.method.secret())).toBe('typed');
    unlocking[Symbol.dispose]();
    await expect(unlocking.method.secret()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(asked).toBe(1);
  });
});

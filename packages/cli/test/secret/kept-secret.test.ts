import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { keepSecret, unlockByServer } from '../../src/secret/kept-secret.ts';
import type { UnlockSecretSource } from '../../src/secret/secret.ts';
import { unlockWith } from '../../src/secret/unlocking.ts';
import { sandbox } from '../support/cli.ts';

it('keeps what a person has typed for as long as the server runs, and then wipes it', async () => {
  const typed = Buffer.from('typed by a person');
  const source: UnlockSecretSource = { kind: 'passphrase', from: 'terminal', read: async () => Buffer.from(typed) };
  const unlock = await unlockWith(source);
  const kept = await keepSecret(source, unlock);
  unlock[Symbol.dispose]();
  const [first] = await kept.read('unlock');
  expect(Buffer.from(first ?? []).toString()).toBe('typed by a person');
  // Those who get it wipe their copies.
  first?.fill(0);
  const method = unlockByServer(kept, async (name) => (await kept.read(name)).map((part) => Buffer.from(part)));
  expect((await method.secret()).toString()).toBe('typed by a person');
  expect(method.shares).toBeUndefined();
  kept[Symbol.dispose]();
  expect((await method.secret()).equals(Buffer.alloc(typed.length))).toBe(true);
});

it('reads a passphrase of a file anew for each worker, and keeps nothing', async () => {
  const box = await sandbox('none');
  const path = box.path('passphrase');
  await writeFile(path, 'first', { mode: 0o600 });
  const { readSecretFile } = await import('../../src/secret/secret.ts');
  const source: UnlockSecretSource = {
    kind: 'passphrase',
    from: 'file',
    read: () => readSecretFile(path, 'passphrase'),
    path,
  };
  const unlock = await unlockWith(source);
  const kept = await keepSecret(source, unlock);
  unlock[Symbol.dispose]();
  await writeFile(path, 'second');
  const [secret] = await kept.read('unlock');
  expect(Buffer.from(secret ?? []).toString()).toBe('second');
  expect(await kept.read('another')).toEqual([]);
});

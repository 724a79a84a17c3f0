import { describe, expect, it } from 'vitest';
import type { UnlockSecretMethod } from '../../src/index.ts';
import { keyFileContents, passphrase, rawKey } from '../../src/index.ts';

const MIB = 1024 * 1024;

const file = (length: number): UnlockSecretMethod => keyFileContents(() => Promise.resolve(Buffer.alloc(length)));

const refused = async (unlock: UnlockSecretMethod): Promise<void> => {
  await expect(unlock.secret()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
};

/** What a caller in JavaScript might pass. */
const untyped = <T>(value: unknown): T => value as T;

describe('an unlock method', () => {
  it('gives a fresh copy of the secret each time, from bytes, text or a function', async () => {
    const bytes = Buffer.from('secret');
    for (const source of [bytes, 'secret', () => bytes, () => 'secret', () => Promise.resolve(bytes)]) {
      const unlock = passphrase(source);
      const copy = await unlock.secret();
      expect(copy).toEqual(Buffer.from('secret'));
      copy.fill(0);
      expect(await unlock.secret()).toEqual(Buffer.from('secret'));
    }
    expect(bytes.toString()).toBe('secret');
  });

  it('takes a passphrase byte for byte', async () => {
    expect(await passphrase(' e\u0301\n').secret()).toEqual(Buffer.from(' e\u0301\n'));
  });

  it('refuses a passphrase that is empty, too long, or that UTF-8 cannot hold', async () => {
    await refused(passphrase(''));
    await refused(passphrase(new Uint8Array()));
    await refused(passphrase('x'.repeat(MIB + 1)));
    for (const text of ['\ud800', 'a\udc00b']) await refused(passphrase(text));
  });

  it('refuses raw keys of another length than 32', async () => {
    expect(await rawKey(Buffer.alloc(32, 1)).secret()).toHaveLength(32);
    for (const length of [0, 16, 31, 33, 64]) await refused(rawKey(Buffer.alloc(length)));
  });

  it('refuses key files that are too short or too long', async () => {
    expect(await file(32).secret()).toHaveLength(32);
    for (const length of [0, 31, MIB + 1]) await refused(file(length));
  });

  it('refuses text as a raw key or key file: a passphrase needs a slow function', async () => {
    await refused(rawKey(untyped('x'.repeat(32))));
    await refused(rawKey(untyped(() => 'x'.repeat(32))));
    await refused(keyFileContents(untyped(() => 'x'.repeat(64))));
  });

  it('refuses what is no secret', async () => {
    for (const value of [undefined, null, 5, {}, [1, 2], new ArrayBuffer(32), () => 5]) {
      await refused(passphrase(untyped(value)));
      await refused(rawKey(untyped(value)));
    }
  });

  it('passes on what a function of the caller throws', async () => {
    const unlock = passphrase(() => Promise.reject(new Error('vault is closed')));
    await expect(unlock.secret()).rejects.toThrow('vault is closed');
  });

  it('never shows a secret in its error', async () => {
    const key = 'hunter2-hunter2';
    const error: unknown = await rawKey(Buffer.from(key))
      .secret()
      .catch((thrown: unknown) => thrown);
    expect(String(error)).not.toContain('hunter2');
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });
});

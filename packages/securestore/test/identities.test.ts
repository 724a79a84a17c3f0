import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryKeyService } from '@securestore/crypto/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { OpenOptions, SecureStore } from '../src/index.ts';
import {
  createStore,
  fileAnchor,
  formatInvitation,
  generateIdentityFile,
  identityFile,
  keyWrapper,
  openStore,
  parseInvitation,
  rawKey,
  recipientOf,
} from '../src/index.ts';

const OWNER = rawKey(Buffer.alloc(32, 7));

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'securestore-identity-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

interface Scene {
  readonly url: string;
  readonly file: string;
  readonly recipient: string;
  readonly path: string;
  readonly open: (options: Omit<OpenOptions, 'unlock'>) => Promise<SecureStore>;
}

/** A store, and an identity that it does not know yet. */
async function scene(): Promise<Scene> {
  const path = await folder();
  const url = `sqlite:${join(path, 'vault.db')}`;
  await using store = await createStore(url, { unlock: OWNER });
  await store.store('k', 'v');
  const file = join(path, 'me.identity');
  const recipient = await generateIdentityFile(file);
  const open = (options: Omit<OpenOptions, 'unlock'>): Promise<SecureStore> =>
    openStore(url, { unlock: identityFile(file), ...options });
  return { url, file, recipient, path, open };
}

async function invite({ url, recipient }: Scene): Promise<string> {
  await using store = await openStore(url, { unlock: OWNER });
  const { id } = await store.slots.add({ recipient });
  return formatInvitation({ fingerprint: store.fingerprint, storeUrl: store.url, recipient, slot: id });
}

async function code(opening: Promise<SecureStore>): Promise<string> {
  return opening.then(
    async (store) => {
      await store.close();
      return 'open';
    },
    (error: { code: string }) => error.code,
  );
}

describe('an identity file', () => {
  it('belongs to its owner alone, says its recipient, and is never replaced', async () => {
    const { file, recipient } = await scene();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toContain(`# The recipient, to give to others: ${recipient}\nSSID1-`);
    await expect(generateIdentityFile(file)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await recipientOf(await readFile(file))).toBe(recipient);
    await expect(generateIdentityFile(join(file, 'below'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it.skipIf(process.platform === 'win32')('that others may read or change is refused, with what to do', async () => {
    const made = await scene();
    const { fingerprint } = parseInvitation(await invite(made));
    for (const mode of [0o640, 0o604, 0o620]) {
      await chmod(made.file, mode);
      await expect(made.open({ fingerprint })).rejects.toThrow(`${made.file} can be read or changed by other users`);
      await expect(identityFile(made.file).secret()).rejects.toMatchObject({
        advice: [{ id: 'restrict-file', path: made.file }],
      });
    }
    await chmod(made.file, 0o400);
    expect(await code(made.open({ fingerprint }))).toBe('open');
  });

  it('opens a store by an invitation, by a fingerprint in it, or after the first use', async () => {
    const made = await scene();
    const { file, path, open } = made;
    expect(await code(open({ fingerprint: 'a'.repeat(52) }))).toBe('INTEGRITY');
    const invitation = parseInvitation(await invite(made));
    const { fingerprint } = invitation;
    expect(invitation).toMatchObject({ storeUrl: made.url, recipient: made.recipient });
    expect(await code(open({}))).toBe('INVALID_ARGUMENT');
    expect(await code(open({ fingerprint }))).toBe('open');
    const anchor = fileAnchor(join(path, 'anchors'));
    expect(await code(open({ anchor, trustOnFirstUse: true }))).toBe('open');
    expect(await code(open({ anchor }))).toBe('open');
    expect(await code(open({ anchor: fileAnchor(join(path, 'others')) }))).toBe('INVALID_ARGUMENT');
    // A folder that can't be made.
    const unwritable = fileAnchor(join(file, 'anchors'));
    expect(await code(open({ anchor: unwritable, trustOnFirstUse: true }))).toBe('UNAVAILABLE');
    await writeFile(file, `fingerprint: ${fingerprint}\n`, { flag: 'a' });
    expect(await code(open({}))).toBe('open');
  });

  it('that is missing or malformed is said to be so', async () => {
    const { url, path } = await scene();
    const open = (file: string): Promise<SecureStore> => openStore(url, { unlock: identityFile(join(path, file)) });
    await expect(open('none')).rejects.toThrow(/the identity file \S+ does not exist/);
    await writeFile(join(path, 'bad'), 'SSID1-0000', { mode: 0o600 });
    await expect(open('bad')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

/** What a caller in JavaScript might pass. */
const bad = (options: object): Promise<SecureStore> => openStore('memory:', options as OpenOptions);

describe('the options', () => {
  it('are checked', async () => {
    await expect(bad({ unlock: OWNER, trustOnFirstUse: 1 })).rejects.toThrow('"trustOnFirstUse" must be true or false');
    await expect(bad({ unlock: { type: 'keyWrapper', wrapper: {} } })).rejects.toThrow(
      '"unlock" must be an unlock method',
    );
    await expect(bad({ unlock: null })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('make and open a store by a key wrapper', async () => {
    const url = `file:${join(await folder(), 'vault')}`;
    const unlock = keyWrapper(memoryKeyService().open());
    const store = await createStore(url, { unlock });
    const { fingerprint } = store;
    await store.close();
    expect(await code(openStore(url, { unlock, fingerprint }))).toBe('open');
    expect(await code(openStore(url, { unlock }))).toBe('INVALID_ARGUMENT');
  });
});

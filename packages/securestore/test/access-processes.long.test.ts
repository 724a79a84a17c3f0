import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { SecureStore } from '../src/index.ts';
import { addPrincipal, createStore, grantRole, openStore, rawKey, revokeRole, setRole } from '../src/index.ts';
import { unlock } from './support/access-world.ts';

const READER = fileURLToPath(new URL('support/access-reader.ts', import.meta.url));
/** How long after a change, in milliseconds, no other process acts on what was before. */
const BOUND = 6000;

interface Read {
  readonly begun: number;
  readonly outcome: string;
}

/** What a process read until it was denied. @param onRead called with each */
async function readsElsewhere(
  args: readonly string[],
  atEnd: (end: () => void) => void,
  onRead: (read: Read) => void,
): Promise<Read[]> {
  const child = spawn(process.execPath, ['--conditions=@securestore/source', '--no-warnings', READER, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  atEnd(() => void child.kill('SIGKILL'));
  const reads: Read[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const read = JSON.parse(line) as Read;
    reads.push(read);
    onRead(read);
  });
  expect(await once(child, 'close')).toEqual([0, null]);
  return reads;
}

interface Revocation {
  readonly scheme: 'sqlite' | 'file';
  readonly what: string;
  readonly code: string;
  readonly revoke: (store: SecureStore, tokenId: string) => Promise<void>;
}

const REVOCATIONS: readonly Revocation[] = [
  {
    scheme: 'sqlite',
    what: 'a role',
    code: 'ACCESS_DENIED',
    revoke: async (store) => void (await store.access.change(revokeRole('alice', 'reader'))),
  },
  {
    scheme: 'file',
    what: 'a token',
    code: 'UNAUTHENTICATED',
    revoke: async (store, id) => void (await store.access.revokeToken(id)),
  },
];

// T-CALLER-09
test.concurrent.for(REVOCATIONS)(
  'on $scheme: taking away $what counts at once here, and within the bound in another process',
  { timeout: 300_000 },
  async ({ scheme, code, revoke }, { onTestFinished: atEnd }) => {
    const folder = mkdtempSync(join(tmpdir(), 'securestore-access-'));
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    const url = `${scheme}:${join(folder, 'vault')}`;
    await using store = await createStore(url, { unlock, maintenance: false });
    await store.store('db/user', 'ops');
    await store.access.change([
      setRole('reader', [{ effect: 'allow', actions: ['read'], keys: ['db/**'] }]),
      addPrincipal('alice', 'service'),
      grantRole('alice', 'reader'),
    ]);
    const { id, token } = await store.access.createToken('alice');
    await using session = await store.session({ token });
    await session.retrieve('db/user');

    let revoked: Promise<number> | undefined;
    const revokeHere = async (): Promise<number> => {
      await revoke(store, id);
      const at = Date.now();
      await expect(session.retrieve('db/user')).rejects.toMatchObject({ code });
      return at;
    };
    const reads = await readsElsewhere([url, token, 'db/user'], atEnd, () => {
      revoked ??= revokeHere();
    });
    expect(reads[0]).toMatchObject({ outcome: 'read' });
    expect(reads.at(-1)).toMatchObject({ outcome: code });
    const at = (await revoked) ?? 0;
    for (const { begun, outcome } of reads) if (begun >= at + BOUND) expect(outcome).toBe(code);
  },
);

const REPLACEMENTS = ['unlock', 'keys'] as const;

test.concurrent.for(REPLACEMENTS)(
  'a process whose secret was replaced (depth %s) gives nobody anything by the policy of before',
  { timeout: 300_000 },
  async (depth, { onTestFinished: atEnd }) => {
    const folder = mkdtempSync(join(tmpdir(), 'securestore-access-'));
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    const url = `file:${join(folder, 'vault')}`;
    await using store = await createStore(url, { unlock, maintenance: false });
    await store.store('db/user', 'ops');
    await store.access.change([
      setRole('reader', [{ effect: 'allow', actions: ['read', 'list'], keys: ['db/**'] }]),
      addPrincipal('alice', 'service'),
      grantRole('alice', 'reader'),
    ]);
    const { id, token } = await store.access.createToken('alice');
    await using elsewhere = await openStore(url, { unlock, maintenance: false });
    await using session = await elsewhere.session({ token });
    await session.retrieve('db/user');

    await store.rotateEncryptionKey(unlock, rawKey(Buffer.alloc(32, 99)), { depth });
    await store.access.revokeToken(id);
    await setTimeout(BOUND);
    await expect(session.retrieve('db/user')).rejects.toMatchObject({ code: 'LOCKED' });
    await expect(Array.fromAsync(session.keys())).rejects.toMatchObject({ code: 'LOCKED' });
    await expect(elsewhere.session({ token })).rejects.toMatchObject({ code: 'LOCKED' });
  },
);

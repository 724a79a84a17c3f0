import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Anchor, CreateOptions, OpenOptions, UnlockSecretMethod, SecureStore } from '../../src/index.ts';
import { createStore, generateIdentity, openStore, rawKey, recipientOf } from '../../src/index.ts';

/** What unlocks the stores of these tests. */
export const unlock: UnlockSecretMethod = rawKey(Buffer.alloc(32, 3));

/** The auditor's identity. */
export const auditor: Buffer = generateIdentity();

/** Where a store may be made that other processes can open, too. It goes when the test has ended. */
export function storeUrlOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-audit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return `sqlite:${join(folder, 'vault.db')}`;
}

type Closing = (store: SecureStore) => Promise<void>;
const close: Closing = (store) => store.close();

/** Another handle on a store, which is closed when the test has ended. */
export async function reopen(
  url: string,
  options: Partial<OpenOptions> = {},
  end: Closing = close,
): Promise<SecureStore> {
  const store = await openStore(url, { unlock, maintenance: false, ...options });
  onTestFinished(() => end(store));
  return store;
}

/** A new store that is audited. */
export async function audited(
  url: string = storeUrlOf(),
  { mode, ...options }: Partial<CreateOptions> & { readonly mode?: 'batched' | 'fail-closed' } = {},
): Promise<SecureStore> {
  const store = await createStore(url, { unlock, maintenance: false, ...options });
  onTestFinished(() => store.close());
  await store.audit.enable({ auditor: await recipientOf(auditor), mode });
  return store;
}

/** An anchor that lasts as long as the test. */
export function memoryAnchor(): Anchor {
  const remembered = new Map<string, object>();
  return {
    read: async (at) => remembered.get(at) as never,
    write: async (at, record) => void remembered.set(at, record),
  };
}

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MemoryBackend } from '../../../packages/backend-memory/src/index.ts';
import { generateIdentity, keyWrapper, rawKey, recipientOf } from '../../../packages/crypto/src/index.ts';
import { memoryKeyService } from '../../../packages/crypto/src/testing.ts';
import { createObjectStore } from '../../../packages/objects/src/index.ts';
import { hasPython } from './python.ts';

const reader = fileURLToPath(new URL('../reader.py', import.meta.url));

describe.skipIf(!hasPython)('the reference reader', () => {
  it('opens a store by an identity where its fingerprint is given, and reads past a key wrapper', async () => {
    const backend = new MemoryBackend();
    await backend.init({ location: 'memory:', options: {} });
    const raw = Buffer.alloc(32, 5);
    const own = generateIdentity();
    const store = await createObjectStore({ backend, location: 'memory:', unlock: rawKey(raw), upkeep: false });
    await store.store('k', 'text');
    await store.slots.add(keyWrapper(memoryKeyService().open()));
    await store.slots.add({ recipient: await recipientOf(own) });
    const objects: Record<string, string> = {};
    for (const { key } of (await backend.list('')).entries) {
      objects[key] = Buffer.from((await backend.read(key))?.body ?? []).toString('hex');
    }
    const { fingerprint } = store;
    await store.close();
    const read = (secret: Buffer, method: string, ...pinned: string[]): number | string | null => {
      const args = ['-B', reader, secret.toString('hex'), method, ...pinned];
      const { status, stdout } = spawnSync('python3', args, { input: JSON.stringify(objects), encoding: 'utf8' });
      if (status !== 0) return status;
      const [found] = JSON.parse(stdout) as { payload: string }[];
      return Buffer.from(found?.payload ?? '', 'hex').toString();
    };
    const other = 'a'.repeat(52);
    expect(read(raw, 'rawKey')).toBe('text');
    expect(read(own, 'recipient', fingerprint)).toBe('text');
    expect(read(own, 'recipient')).toBe(5);
    expect(read(own, 'recipient', other)).toBe(5);
    expect(read(raw, 'rawKey', other)).toBe(5);
    expect(read(generateIdentity(), 'recipient', fingerprint)).toBe(5);
  });
});

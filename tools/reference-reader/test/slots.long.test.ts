import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MemoryBackend } from '../../../packages/backend-memory/src/index.ts';
import {
  generateIdentity,
  generateShares,
  keyWrapper,
  rawKey,
  recipientOf,
  shares,
} from '../../../packages/crypto/src/index.ts';
// Whoever forges a share makes its digits of check right.
import { printed, readPrinted } from '../../../packages/crypto/src/unlock/printed.ts';
import { memoryKeyService } from '../../../packages/crypto/src/testing.ts';
import { createObjectStore } from '../../../packages/objects/src/index.ts';
import { hasPython } from './python.ts';

const reader = fileURLToPath(new URL('../reader.py', import.meta.url));

/** What a reader makes of the first object of a store, or its exit code and what it says. */
function readBy(objects: Record<string, string>, secret: Buffer, method: string, ...pinned: string[]): string {
  const args = ['-B', reader, secret.toString('hex'), method, ...pinned];
  const { status, stdout, stderr } = spawnSync('python3', args, { input: JSON.stringify(objects), encoding: 'utf8' });
  if (status !== 0) return `${status}: ${stderr}`;
  const [found] = JSON.parse(stdout) as { payload: string }[];
  return Buffer.from(found?.payload ?? '', 'hex').toString();
}

async function everything(backend: MemoryBackend): Promise<Record<string, string>> {
  const objects: Record<string, string> = {};
  for (const { key } of (await backend.list('')).entries) {
    objects[key] = Buffer.from((await backend.read(key))?.body ?? []).toString('hex');
  }
  return objects;
}

describe.skipIf(!hasPython)('the reference reader', () => {
  it('opens a store by shares, without one that was made up where others are enough, and names it where they are not', async () => {
    const backend = new MemoryBackend();
    await backend.init({ url: 'memory:', options: {} });
    const made = await generateShares({ threshold: 3, count: 5 });
    // Of as many as are needed: the tags of the others are made of them.
    const store = await createObjectStore({
      backend,
      url: 'memory:',
      unlock: shares(made.slice(2)),
      maintenance: false,
    });
    await store.store('k', 'text');
    const objects = await everything(backend);
    await store.close();
    const forged = readPrinted('share', made[1] ?? Buffer.alloc(0), 39);
    forged.writeUInt8(forged.readUInt8(30) ^ 1, 30);
    const texts = made.map((share, index) => (index === 1 ? printed('share', forged) : share).toString('latin1'));
    const by = (...given: number[]): string =>
      readBy(objects, Buffer.from(given.map((index) => texts[index]).join('\n')), 'shares');
    expect(by(0, 2, 4)).toBe('text');
    expect(by(0, 1, 3, 4)).toBe('text');
    expect(by(0, 1, 3)).toMatch(/^5: UNLOCK_FAILED: .*: 2\n$/);
    expect(by(0, 3)).toMatch(/^5: INVALID_ARGUMENT/);
  });

  it('opens a store by an identity where its fingerprint is given, and reads past a key wrapper', async () => {
    const backend = new MemoryBackend();
    await backend.init({ url: 'memory:', options: {} });
    const raw = Buffer.alloc(32, 5);
    const own = generateIdentity();
    const store = await createObjectStore({ backend, url: 'memory:', unlock: rawKey(raw), maintenance: false });
    await store.store('k', 'text');
    await store.slots.add(keyWrapper(memoryKeyService().open()));
    await store.slots.add({ recipient: await recipientOf(own) });
    const objects = await everything(backend);
    const { fingerprint } = store;
    await store.close();
    const read = (secret: Buffer, method: string, ...pinned: string[]): string =>
      readBy(objects, secret, method, ...pinned);
    const other = 'a'.repeat(52);
    expect(read(raw, 'rawKey')).toBe('text');
    expect(read(own, 'recipient', fingerprint)).toBe('text');
    expect(read(own, 'recipient')).toMatch(/^5: /);
    expect(read(own, 'recipient', other)).toMatch(/^5: /);
    expect(read(raw, 'rawKey', other)).toMatch(/^5: /);
    expect(read(generateIdentity(), 'recipient', fingerprint)).toMatch(/^5: /);
  });
});

import { MemoryBackend } from '@securestore/backend-memory';
import { describe, expect, test } from 'vitest';
import type { SecureStore } from '../src/index.ts';
import { generateIdentity, rawKey, recipientOf } from '../src/index.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';
import { World } from './support/access-world.ts';

// A log with more parts than are read, and with more names than are listed.

interface Scene {
  readonly store: SecureStore;
  readonly world: World;
  /** The names of the parts, of the newest segment first. */
  readonly parts: () => Promise<string[]>;
  readonly backend: MemoryBackend;
}

/** A store with a log of so many parts in one segment; the head says how far it goes. */
async function logOf(count: number): Promise<Scene> {
  const world = new World();
  const store = await world.open();
  // Nothing goes on before its entry is durable, so each call has a part of its own.
  await store.audit.enable({ auditor: await recipientOf(generateIdentity()), mode: 'fail-closed' });
  for (let number = 0; number < count; number++) await store.has('k');
  // A change of the head tells in it how far the log goes.
  await store.slots.add(rawKey(Buffer.alloc(32, 9)));
  const backend = new MemoryBackend({ clock: () => world.clock.now() });
  await backend.init({ url: world.url, options: {} });
  const parts = async (): Promise<string[]> => {
    const names: string[] = [];
    for (let more = true; more;) {
      const after = names.at(-1);
      const page = await backend.list('a/', after === undefined ? {} : { after });
      names.push(...page.entries.map(({ key }) => key));
      more = page.more;
    }
    return names;
  };
  return { store, world, parts, backend };
}

describe('a log with more parts than are read', () => {
  test('is well if nothing is missing, whatever is not read', async () => {
    const { store, parts } = await logOf(450);
    expect((await parts()).length).toBeGreaterThan(450);
    expect(await store.audit.examine()).toMatchObject({ ok: true, findings: [], complete: false });
  });

  test('is not if its end was cut off, or a part near its end is missing', async () => {
    const { store, parts, backend } = await logOf(450);
    const names = await parts();
    await backend.delete(names.at(-60) ?? '');
    const { findings } = await store.audit.examine();
    expect(findings).toEqual([expect.stringMatching(/the entries? \d+.* missing/)]);
    for (const name of names.slice(-40)) await backend.delete(name);
    expect((await store.audit.examine()).findings).toContainEqual(expect.stringContaining('cut off'));
  });

  test('is not if the whole segment is missing of which the head tells', async () => {
    const { world, store, parts, backend } = await logOf(250);
    await store.close();
    world.clock.advance(1000);
    const again = await world.open();
    await again.has('k');
    await again.slots.add(rawKey(Buffer.alloc(32, 10)));
    const [newest = ''] = await parts();
    for (const name of await parts()) if (name.slice(0, 20) === newest.slice(0, 20)) await backend.delete(name);
    expect((await parts()).length).toBeGreaterThan(250);
    expect((await again.audit.examine()).findings).toEqual([expect.stringMatching(/the whole segment \w+ is missing/)]);
  });
});

describe('a log with more names than are listed', () => {
  test.runIf(LONG)(onlyLong('is well if nothing is missing, and not if its end was cut off'), async () => {
    const { store, parts, backend } = await logOf(10_500);
    expect(await store.audit.examine()).toMatchObject({ ok: true, findings: [], complete: false });
    const names = await parts();
    for (const name of names.slice(-40)) await backend.delete(name);
    expect((await store.audit.examine()).findings).toContainEqual(expect.stringContaining('cut off'));
  });
});

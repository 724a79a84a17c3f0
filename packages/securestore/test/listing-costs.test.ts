import type { StorageBackend } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { describe, expect, test } from 'vitest';
import type { ListingBound, Rule, SecureStore } from '../src/index.ts';
import { setRole } from '../src/index.ts';
import { as, PeoplesWorld } from './support/access-world.ts';

/** A world whose backend counts what is read of objects, and the pages of their names. */
class CountingWorld extends PeoplesWorld {
  reads = 0;
  pages = 0;

  override backend(): StorageBackend {
    const backend = super.backend() as MemoryBackend;
    const [read, list] = [backend.read.bind(backend), backend.list.bind(backend)];
    backend.read = (key, ...more) => {
      if (key.startsWith('o/')) this.reads += 1;
      return read(key, ...more);
    };
    backend.list = (prefix, ...more) => {
      if (prefix.startsWith('o/')) this.pages += 1;
      return list(prefix, ...more);
    };
    return backend;
  }

  forget(): void {
    [this.reads, this.pages] = [0, 0];
  }
}

async function scene(rules: readonly Rule[], keys: readonly string[]) {
  const world = new CountingWorld();
  const store = await world.openWith({ root: [{ effect: 'allow', actions: ['*'] }], ann: rules });
  for (const result of await store.storeMany(keys.map((key) => ({ key, data: key })))) expect(result.ok).toBe(true);
  // Nothing is remembered of what was written.
  const other: SecureStore = await world.open();
  const ann = await as(other, 'ann');
  await ann.list('none');
  world.forget();
  return { world, store, ann };
}

const some = (actions: Rule['actions'], keys: string[]): Rule => ({ effect: 'allow', actions, keys });

const KEYS = Array.from({ length: 30 }, (_, at) => [`secret/${at}`, `open/${at}`]).flat();

describe('a listing of somebody', () => {
  // T-CALLER-07
  test('without any rule reads nothing, and looks at no name', async () => {
    const { world, ann } = await scene([], KEYS);
    expect(await ann.list()).toEqual([]);
    expect(await Array.fromAsync(ann.keys('secret/'))).toEqual([]);
    expect(await Array.fromAsync(ann.entries())).toEqual([]);
    expect([world.reads, world.pages]).toEqual([0, 0]);
  });

  test('without any rule refuses what it refuses of others', async () => {
    const { ann } = await scene([], KEYS);
    const wrong = { code: 'INVALID_ARGUMENT' };
    await expect(Array.fromAsync(ann.keys(1 as never))).rejects.toMatchObject(wrong);
    await expect(Array.fromAsync(ann.entries('', { other: 1 } as never))).rejects.toMatchObject(wrong);
    await expect(ann.list('', { after: 'a' } as never)).rejects.toMatchObject(wrong);
    await expect(Array.fromAsync(ann.keys('', { after: '/' }))).rejects.toMatchObject({ code: 'INVALID_KEY' });
  });

  // T-CALLER-07
  test('who may see a part looks there alone, and reads what is shown alone', async () => {
    const { world, ann } = await scene([some(['list'], ['open/**']), some(['read'], ['open/1*', 'secret/**'])], KEYS);
    const shown = KEYS.filter((key) => key.startsWith('open/1')).toSorted();
    const entries = await Array.fromAsync(ann.entries(), ({ key }) => key);
    expect(entries.toSorted()).toEqual(shown);
    expect(world.reads).toBe(shown.length);
    expect(world.pages).toBe(1);
    world.forget();
    expect(await ann.list()).toEqual(KEYS.filter((key) => key.startsWith('open/')).toSorted());
    expect(await ann.list('secret/')).toEqual([]);
    expect([world.reads, world.pages]).toEqual([0, 1]);
  });

  test('goes on after any name, in whatever parts it lies', async () => {
    const parts = ['a/**', 'b/x/**', 'b/y*', 'd/**'];
    const keys = ['a/1', 'a/2', 'b/x/1', 'b/x/2', 'b/y1', 'b/z', 'c/1', 'd/1', 'd/2'];
    const { ann } = await scene([{ effect: 'allow', actions: ['list', 'read'], keys: parts }], keys);
    for (const prefix of ['', 'b/', 'd']) {
      const all = await Array.fromAsync(ann.keys(prefix));
      expect(all.toSorted()).toEqual(keys.filter((key) => key.startsWith(prefix) && !['b/z', 'c/1'].includes(key)));
      for (const [index, after] of all.entries()) {
        expect(await Array.fromAsync(ann.keys(prefix, { after })), after).toEqual(all.slice(index + 1));
        const entries = await Array.fromAsync(ann.entries(prefix, { after }), ({ key }) => key);
        expect(entries, after).toEqual(all.slice(index + 1));
      }
    }
  });
});

describe('a part of a listing', () => {
  const rules: readonly Rule[] = [{ effect: 'allow', actions: ['list', 'read'], keys: ['*/1*'] }];

  test('ends after so many names, shown or not, and the next goes on from there', async () => {
    const { ann } = await scene(rules, KEYS);
    for (const kind of ['keys', 'entries'] as const) {
      const found: string[] = [];
      let empty = 0;
      for (let from: string | undefined, first = true; first || from !== undefined; first = false) {
        const bound: ListingBound = { keys: 3, ...(from === undefined ? {} : { from }) };
        const part =
          kind === 'keys'
            ? await Array.fromAsync(ann.keys('', { bound }))
            : await Array.fromAsync(ann.entries('', { bound }), ({ key }) => key);
        expect(part.length).toBeLessThanOrEqual(3);
        if (part.length === 0) empty += 1;
        found.push(...part);
        from = bound.next;
      }
      expect(empty).toBeGreaterThan(0);
      expect(found.toSorted()).toEqual(KEYS.filter((key) => key.includes('/1')).toSorted());
    }
  });

  test('goes on from no other position than its own, which tells no name', async () => {
    const { store, ann } = await scene(rules, KEYS);
    const bound: ListingBound = { keys: 3 };
    await Array.fromAsync(ann.keys('', { bound }));
    const from = bound.next ?? expect.unreachable();
    expect(Buffer.from(from, 'base64url').toString('latin1')).not.toMatch(/secret|open/);
    await store.access.change(setRole('role of root', [{ effect: 'allow', actions: ['*'] }]));
    const root = await as(store, 'root');
    const wrong = { code: 'INVALID_ARGUMENT' };
    await expect(Array.fromAsync(root.keys('', { bound: { keys: 3, from } }))).rejects.toMatchObject(wrong);
    await expect(Array.fromAsync(ann.keys('open/', { bound: { keys: 3, from } }))).rejects.toMatchObject(wrong);
    await expect(Array.fromAsync(ann.entries('', { bound: { keys: 3, from } }))).rejects.toMatchObject(wrong);
    const changed = `${from.startsWith('A') ? 'B' : 'A'}${from.slice(1)}`;
    for (const made of ['', 'x', from.slice(0, -2), changed, from + from, 'A'.repeat(5000)])
      await expect(Array.fromAsync(ann.keys('', { bound: { keys: 3, from: made } }))).rejects.toMatchObject(wrong);
  });
});

// T-CALLER-07
test('one principal has a bound of listings at once, and others have their own', async () => {
  const { store } = await scene([], KEYS);
  const [root, same] = [await as(store, 'root'), await as(store, 'root')];
  const begun = [];
  for (let index = 0; index < 32; index++) {
    const listing = (index % 2 === 0 ? root : same).keys();
    await listing.next();
    begun.push(listing);
  }
  const refused = { code: 'THROTTLED', retryable: true };
  await expect(root.list()).rejects.toMatchObject(refused);
  await expect(Array.fromAsync(same.entries())).rejects.toMatchObject(refused);
  expect(await (await as(store, 'ann')).list()).toEqual([]);
  await begun.pop()?.return(undefined);
  expect(await root.list('open/')).toHaveLength(30);
  for (const listing of begun) await listing.return(undefined);
});

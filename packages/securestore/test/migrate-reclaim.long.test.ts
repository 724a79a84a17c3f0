import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageBackend } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { decodeHead, HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import { afterAll, describe, expect, it } from 'vitest';
import { cancelMigration, createStore, migrateStore, openStore, rawKey, failBack } from '../src/index.ts';
import { memoryPlace } from './support/round-trip.ts';

const unlock = rawKey(Buffer.alloc(32, 7));

const root = mkdtempSync(join(tmpdir(), 'securestore-reclaim-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A place in a folder of its own. */
function place(): { readonly url: string; readonly lose: () => void } {
  const folder = mkdtempSync(join(root, 'place-'));
  return {
    url: `sqlite:${join(folder, 'store.db')}`,
    lose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A store that has moved from one place to another, and was written there. */
async function moved(from: string, to: string): Promise<void> {
  await using store = await createStore(from, { unlock, maintenance: false });
  await store.store('k', 'before');
  await migrateStore(from, to, { unlock });
  await using there = await openStore(to, { unlock, maintenance: false });
  await there.store('k', 'after');
}

async function unreachable(): Promise<StorageBackend> {
  const backend = new MemoryBackend();
  backend.init = () => Promise.reject(new SecureStoreError('UNAVAILABLE', 'the server is gone'));
  return backend;
}

async function otherStore(): Promise<StorageBackend> {
  const backend = new MemoryBackend();
  await (await createStore('memory:', { unlock, backend })).close();
  return backend;
}

/** What lies at a place in memory, as a backend reaches it that has conditional deletions, or none. */
function reached(conditionalDelete: boolean): MemoryBackend {
  const backend = new MemoryBackend();
  return Object.assign(backend, { capabilities: { ...backend.capabilities, conditionalDelete } });
}

const gone = (): Promise<never> => Promise.reject(new SecureStoreError('UNAVAILABLE', 'gone'));

/** A backend at which nobody opens a store that has landed there. */
function unopening(backend: MemoryBackend): MemoryBackend {
  const write = backend.write.bind(backend);
  backend.write = async (key, body, options) =>
    key === HEAD_NAME && decodeHead(body).head.state === 'open' ? gone() : write(key, body, options);
  return backend;
}

async function refused(run: PromiseLike<unknown>, code: string, message: RegExp): Promise<void> {
  await expect(Promise.resolve(run)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
}

// They mostly wait until everybody has heard that a store moves, so they do it side by side.
describe.concurrent('a store whose new place is lost', () => {
  it('is opened again where it was, as it was then', async () => {
    const [from, to] = [place(), place()];
    await moved(from.url, to.url);
    to.lose();
    await refused(openStore(from.url, { unlock }), 'LOCKED', /has moved to/);
    const told: unknown[] = [];
    const no = (found: unknown): Promise<never> => {
      told.push(found);
      return Promise.reject(new Error('no'));
    };
    await expect(failBack(from.url, { unlock, beforeFailBack: no })).rejects.toThrow('no');
    expect(told).toEqual([{ source: from.url, lost: to.url, migrated: expect.any(Date), objects: 1 }]);
    await refused(openStore(from.url, { unlock }), 'LOCKED', /has moved to/);
    expect(await failBack(from.url, { unlock })).toEqual({ source: from.url, lost: to.url });
    await using store = await openStore(from.url, { unlock, maintenance: false });
    expect((await store.retrieve('k')).text()).toBe('before');
    await store.store('k', 'goes on');
    expect((await store.verify()).findings).toEqual([]);
  });

  it('moves on from there, also by the name that was lost', async () => {
    const [from, to] = [place(), place()];
    await moved(from.url, to.url);
    to.lose();
    await failBack(from.url, { unlock });
    const again = place();
    expect(await migrateStore(from.url, again.url, { unlock })).toMatchObject({
      migrated: true,
      failures: 0,
    });
    await using store = await openStore(again.url, { unlock, maintenance: false });
    expect((await store.retrieve('k')).text()).toBe('before');
  });

  it.each([
    ['where nobody can reach the new place', unreachable],
    ['where another store lies at the new place', otherStore],
  ])('is opened again %s', async (_, makeBackend) => {
    const [from, to] = [place(), place()];
    await moved(from.url, to.url);
    const backend = await makeBackend();
    await failBack(from.url, { unlock, destinations: { [to.url]: { backend } } });
    await using store = await openStore(from.url, { unlock, maintenance: false });
    expect((await store.retrieve('k')).text()).toBe('before');
  });

  it('is not opened where it was as long as the new place has it', async () => {
    const [from, to, third] = [place(), place(), place()];
    await moved(from.url, to.url);
    await refused(
      failBack(from.url, { unlock }),
      'CONFLICT',
      /the store is at .*store\.db\. It was not opened again at /,
    );
    await migrateStore(to.url, third.url, { unlock });
    third.lose();
    // It was newer at the place in between.
    await refused(failBack(from.url, { unlock }), 'CONFLICT', /has moved on from .* to another store URL/);
    await failBack(to.url, { unlock });
    await using store = await openStore(to.url, { unlock, maintenance: false });
    expect((await store.retrieve('k')).text()).toBe('after');
  });

  it('is not opened at the first place if it has come back to the second one from a third', async () => {
    const [first, second, third] = [place(), place(), place()];
    await moved(first.url, second.url);
    await migrateStore(second.url, third.url, { unlock });
    await migrateStore(third.url, second.url, { unlock });
    await refused(
      failBack(first.url, { unlock }),
      'CONFLICT',
      /the store is at .*store\.db\. It was not opened again at /,
    );
    // A move from there comes to the first one as to any other.
    await migrateStore(second.url, first.url, { unlock });
    await using store = await openStore(first.url, { unlock, maintenance: false });
    expect((await store.retrieve('k')).text()).toBe('after');
  });

  it('is told to whoever follows it as lost, and not as another store', async () => {
    const [from, to] = [place(), place()];
    await moved(from.url, to.url);
    to.lose();
    await refused(
      openStore(from.url, { unlock, migrationTargets: [to.url] }),
      'ROLLBACK',
      /the store has moved to .*store\.db, but no store is there$/,
    );
  });

  it('of which the copy was sealed anew counts as there while any store lies there', async () => {
    const [from, to] = [place(), place()];
    await (await createStore(from.url, { unlock })).close();
    await migrateStore(from.url, to.url, { unlock, reencrypt: { unlock: rawKey(Buffer.alloc(32, 9)) } });
    await refused(failBack(from.url, { unlock }), 'CONFLICT', /re-encrypted/);
    to.lose();
    await failBack(from.url, { unlock });
    await (await openStore(from.url, { unlock, maintenance: false })).close();
  });

  it.each([
    ['cancelMigration', cancelMigration, true],
    ['reclaimStore', failBack, true],
    // Such as S3 at services other than AWS.
    ['cancelMigration, also without conditional deletions there', cancelMigration, false],
    ['reclaimStore, also without conditional deletions there', failBack, false],
  ])('is opened again by %s if whoever moved it died before it was open there', async (_, again, conditionalDelete) => {
    const [from, to] = [place().url, memoryPlace()];
    await (await createStore(from, { unlock })).close();
    const backend = unopening(reached(conditionalDelete));
    const dying = migrateStore(from, to, { unlock, destinations: { [to]: { backend } } });
    await refused(dying, 'UNAVAILABLE', /The store has left .* for .*, and was not opened there yet\./);
    await refused(openStore(from, { unlock }), 'LOCKED', /has moved to/);
    const destinations = { [to]: { backend: reached(conditionalDelete) } };
    expect(await again(from, { unlock, destinations })).toMatchObject({ source: from });
    await using store = await openStore(from, { unlock, maintenance: false });
    await store.store('k', 'goes on');
    await refused(openStore(to, { unlock }), 'INTEGRITY', /no store is here yet/);
    // What it has left there is in the way of nothing.
    expect(
      await migrateStore(from, to, { unlock, destinations: { [to]: { backend: reached(conditionalDelete) } } }),
    ).toMatchObject({
      migrated: true,
    });
  });

  it('of which giving up died in the middle is given up by the same call, and nothing opens it there', async () => {
    const [from, to] = [place().url, memoryPlace()];
    await (await createStore(from, { unlock })).close();
    const dying = unopening(reached(false));
    await refused(
      migrateStore(from, to, { unlock, destinations: { [to]: { backend: dying } } }),
      'UNAVAILABLE',
      /left/,
    );
    const undying = Object.assign(reached(false), { delete: gone });
    await refused(
      cancelMigration(from, { unlock, destinations: { [to]: { backend: undying } } }),
      'UNAVAILABLE',
      /gone/,
    );
    const whole = (): object => ({ unlock, destinations: { [to]: { backend: reached(false) } } });
    const there = await openStore(to, { unlock, migrationTargets: [from], maintenance: false });
    await refused(there.store('k', 'nowhere'), 'LOCKED', /is not open here yet/);
    await there.close();
    await refused(
      migrateStore(from, to, { unlock, ...whole() }),
      'CONFLICT',
      /the cancellation of the migration has not ended/,
    );
    expect(await cancelMigration(from, { unlock, ...whole() })).toMatchObject({ source: from });
    await using store = await openStore(from, { unlock, maintenance: false });
    await store.store('k', 'goes on');
  });

  it('is none where a store has not moved', async () => {
    const { url } = place();
    await (await createStore(url, { unlock })).close();
    await refused(failBack(url, { unlock }), 'NOT_FOUND', /the store has not moved away from /);
  });
});

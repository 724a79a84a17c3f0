import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../../../src/index.ts';
import { attack } from '../../../support/attacker.ts';
import { EagerClock } from '../../../support/eager-clock.ts';
import type { Place } from '../../../support/places.ts';
import { memoryPlace } from '../../../support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../../../support/stores.ts';

const OWNER = Buffer.alloc(32, 7);
const GUEST = Buffer.alloc(32, 9);
const LARGE = 200_000;
const MONTHS = 60 * 24 * 60 * 60 * 1000;

interface World {
  readonly clock: EagerClock;
  readonly place: Place;
  readonly owner: ObjectStore;
}

/** A store that keeps no history, with something to collect, that a guest may open. */
async function world(): Promise<World> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const owner = await createAt(place, { clock, history: { versions: 0, days: 0 } });
  await owner.slots.add(GUEST);
  for (let n = 0; n < 6; n++) {
    await owner.store(`large/${n}`, patterned(LARGE, n));
    await owner.store(`large/${n}`, patterned(LARGE, n + 50));
  }
  clock.advance(MONTHS);
  return { clock, place, owner };
}

/** Removes the slot by which the guest has opened the store. */
async function removeGuest(owner: ObjectStore): Promise<void> {
  const guest = (await owner.slots.list()).find(({ current }) => !current);
  await owner.slots.remove(guest?.id ?? '');
}

/** What reaches a backend, and a place at which one call waits. */
interface Gate {
  readonly wrap: (inner: StorageBackend) => StorageBackend;
  /** Writes and deletions that have begun, and are not the one that waits. */
  readonly begun: string[];
  readonly reached: Promise<void>;
  readonly open: () => void;
}

/** @param isPlace whether a call is one of those of which the second waits */
function gate(isPlace: (operation: string, key: string) => boolean): Gate {
  const begun: string[] = [];
  const [reached, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let passed = 0;
  const call = async <T>(operation: string, key: string, run: () => Promise<T>): Promise<T> => {
    if (isPlace(operation, key) && ++passed === 2) {
      reached.resolve();
      await opened.promise;
    } else {
      begun.push(`${operation} ${key}`);
    }
    return run();
  };
  const wrap = (inner: StorageBackend): StorageBackend =>
    forwardTo(inner, {
      write: (key, body, options) => call('write', key, () => inner.write(key, body, options)),
      delete: (key, options) => call('delete', key, () => inner.delete(key, options)),
      batch: (operations, options) =>
        call('batch', operations[0]?.key ?? '', async () => inner.batch?.(operations, options) ?? []),
      deleteMany: (keys, options) => call('deleteMany', keys[0] ?? '', async () => inner.deleteMany?.(keys, options)),
    });
  return { wrap, begun, reached: reached.promise, open: opened.resolve };
}

const isMarker = (_operation: string, key: string): boolean => key.startsWith('g/');
const isRecord = (operation: string, key: string): boolean => operation !== 'delete' && key.startsWith('o/');
const isPart = (operation: string, key: string): boolean => operation === 'write' && key.startsWith('b/');
const isPage = (_operation: string, key: string): boolean => key.startsWith('c/');

const JOBS: readonly (readonly [string, Parameters<typeof gate>[0], (store: ObjectStore) => PromiseLike<unknown>])[] = [
  ['a collection', isMarker, (store) => store.gc()],
  ['a rotation of data, at records', isRecord, (store) => store.rotateEncryptionKey(GUEST, GUEST, { depth: 'data' })],
  ['a rotation of data, at parts', isPart, (store) => store.rotateEncryptionKey(GUEST, GUEST, { depth: 'data' })],
  ['the making of a checkpoint', isPage, (store) => store.checkpoint()],
];

describe('a process whose slot has been removed', () => {
  // T-REVOKED-02
  it.each(JOBS)('writes and deletes nothing more when that is reported: %s', async (_what, isPlace, start) => {
    const { clock, place, owner } = await world();
    const { wrap, begun, reached, open } = gate(isPlace);
    const guest = await openAt(place, { clock, unlock: rawKey(GUEST), wrap });
    const job = start(guest);
    const ended = failure(job, 'LOCKED');
    await Promise.race([reached, ended]);
    await removeGuest(owner);
    const before = begun.length;
    clock.advance(20_000);
    open();
    await ended;
    expect(begun.slice(before)).toEqual([]);
    expect(await owner.verify({ payloads: true })).toMatchObject({ ok: true });
    // What it has left behind is in nobody's way.
    await owner.rotateEncryptionKey(OWNER, OWNER, { depth: 'data' });
    expect(await owner.gc()).toMatchObject({ failed: 0 });
  });

  // T-REVOKED-02
  it('begins no job, and leaves nothing of one', async () => {
    const { clock, place, owner } = await world();
    const guest = await openAt(place, { clock, unlock: rawKey(GUEST) });
    await removeGuest(owner);
    const attacker = await attack(place);
    const before = await attacker.copy();
    for (const call of [
      () => guest.rotateEncryptionKey(GUEST, GUEST, { depth: 'data' }),
      () => guest.gc(),
      () => guest.checkpoint(),
      () => guest.encryptionKeys.destroy('default'),
      () => guest.slots.add(Buffer.alloc(32, 10)),
    ])
      await failure(call(), 'LOCKED');
    expect(await guest.jobs.list()).toEqual([]);
    expect(await attacker.copy()).toEqual(before);
  });

  it('neither forgets nor cancels a job of others, nor finishes anything', async () => {
    const { clock, place, owner } = await world();
    const { wrap, reached, open } = gate(isMarker);
    const other = await openAt(place, { clock, wrap });
    const guest = await openAt(place, { clock, unlock: rawKey(GUEST) });
    const job = other.gc();
    await reached;
    await removeGuest(owner);
    await failure(guest.jobs.cancel('collection'), 'LOCKED');
    await failure(guest.jobs.forget('collection'), 'LOCKED');
    expect(await guest.encryptionKeys.destroyDue()).toEqual({ destroyed: [], inUse: [], pending: [] });
    open();
    expect(await job).toMatchObject({ failed: 0 });
  });
});

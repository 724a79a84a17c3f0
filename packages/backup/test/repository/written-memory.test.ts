import { createHash } from 'node:crypto';
import type { BatchOperation, StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import { withoutBatch } from '../../../objects/test/support/places.ts';
import { usePlace } from '../../../objects/test/support/stores.ts';
import { backupAt, memoryAt, reached, snapshotAt, worldOf } from '../support/worlds.ts';
import { restoreStoreTo } from '../../src/index.ts';

const digestOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');

/** Bodies that were written, as they were then. */
class Written {
  readonly #bodies: { readonly body: Uint8Array; readonly digest: string }[] = [];

  note(body: Uint8Array): void {
    this.#bodies.push({ body, digest: digestOf(body) });
  }

  get count(): number {
    return this.#bodies.length;
  }

  /** How many have other contents by now, or none. */
  get changed(): number {
    return this.#bodies.filter(({ body, digest }) => digestOf(body) !== digest).length;
  }

  readonly wrap = (inner: StorageBackend): StorageBackend =>
    forwardTo(inner, {
      write: (key, body, options) => {
        this.note(body);
        return inner.write(key, body, options);
      },
      ...(inner.batch && {
        batch: (operations: readonly BatchOperation[], options: object) => {
          for (const one of operations) if (one.type === 'write') this.note(one.body);
          return inner.batch?.(operations, options) ?? Promise.resolve([]);
        },
      }),
    });
}

/** A store with many small objects and a large one. */
async function stored() {
  const world = await worldOf();
  for (let at = 0; at < 40; at++) await world.store.store(`small/${at}`, Buffer.alloc(30_000, at));
  await world.store.store('large', Buffer.alloc(3_000_000, 7));
  return world;
}

// A socket still sends from the memory of a body if its server has answered before it has read all of the request.
describe('memory that was given to a backend to be written', () => {
  it('is left as it is by a backup', async () => {
    const { store, destination } = await stored();
    const written = new Written();
    await snapshotAt(store, destination, { wrap: written.wrap });
    expect(written.count).toBeGreaterThan(3);
    expect(written.changed).toBe(0);
  });

  it.each([
    ['in batches', (backend: StorageBackend) => backend],
    ['one by one', withoutBatch],
  ])('is left as it is by a restore to a new store, %s', async (_, form) => {
    const { store, destination, clock } = await stored();
    await snapshotAt(store, destination);
    const written = new Written();
    using backup = await backupAt(destination, clock);
    const target = usePlace(() => memoryAt(clock));
    await restoreStoreTo(backup, await reached(target, { wrap: (inner) => written.wrap(form(inner)) }));
    expect(written.count).toBeGreaterThan(3);
    expect(written.changed).toBe(0);
  });
});

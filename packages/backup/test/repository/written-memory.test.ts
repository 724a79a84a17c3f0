import type { BatchOperation, StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import { withoutBatch } from '../../../objects/test/support/places.ts';
import { usePlace } from '../../../objects/test/support/stores.ts';
import { backupAt, memoryAt, reached, snapshotAt, worldOf } from '../support/worlds.ts';
import { restoreStoreTo } from '../../src/index.ts';
import { LONG } from '../../../../tools/campaigns/src/size.ts';

const PACK_BYTES = 4_000_000;
const SLAB_BYTES = 500_000;

/** So many equal bytes in a row are in the plaintext of every object here, and in no ciphertext. */
const RUN = 64;

function hasPlaintext(memory: Buffer): boolean {
  let run = 1;
  for (let at = 1; at < memory.length; at++) {
    run = memory[at] === memory[at - 1] ? run + 1 : 1;
    if (run === RUN) return true;
  }
  return false;
}

/** The memory of bodies that were written, to be looked at later. */
class Written {
  readonly #all: { readonly body: Uint8Array; readonly length: number; readonly memory: ArrayBufferLike }[] = [];

  note(body: Uint8Array): void {
    this.#all.push({ body, length: body.length, memory: body.buffer });
  }

  /** The bodies that take at least so much memory, by themselves or with others. */
  bodiesIn(bytes: number): number {
    return this.#all.filter(({ memory }) => memory.byteLength >= bytes).length;
  }

  /** The bodies whose memory was freed: anything of the process can be there by now. */
  get freed(): number {
    return this.#all.filter(({ body, length, memory }) => body.length !== length || memory.byteLength === 0).length;
  }

  /** The bodies in whose memory something readable is now. */
  get readable(): number {
    return this.#all.filter(({ body }) => hasPlaintext(Buffer.from(body))).length;
  }

  /** In how many pieces of memory these are. */
  piecesOf(bytes: number): number {
    return new Set(this.#all.map(({ memory }) => memory).filter(({ byteLength }) => byteLength >= bytes)).size;
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
async function stored(count = 40) {
  const world = await worldOf();
  for (let at = 0; at < count; at++) await world.store.store(`small/${at}`, Buffer.alloc(30_000, at));
  await world.store.store('large', Buffer.alloc(3_000_000, 7));
  return world;
}

// A socket still sends from the memory of a body if its server has answered before it has read all of the request.
describe('memory that was given to a backend to be written', () => {
  it('is neither freed by a backup, nor used for anything but ciphertext', async () => {
    const { store, destination } = await stored(900);
    const written = new Written();
    await snapshotAt(store, destination, { wrap: written.wrap });
    expect(written.bodiesIn(PACK_BYTES)).toBeGreaterThan(5);
    // Two are written while the next one is made.
    expect(written.piecesOf(PACK_BYTES)).toBeLessThan(4);
    expect(written.freed).toBe(0);
    expect(written.readable).toBe(0);
  });

  const forms = [
    ['in batches', (backend: StorageBackend) => backend],
    ['one by one', withoutBatch],
  ] as const;
  it.each(LONG ? forms : forms.slice(0, 1))(
    'is neither freed by a restore to a new store, nor used for anything but ciphertext, %s',
    async (_, form) => {
      const { store, destination, clock } = await stored(400);
      await snapshotAt(store, destination);
      const written = new Written();
      using backup = await backupAt(destination, clock);
      const target = usePlace(() => memoryAt(clock));
      await restoreStoreTo(backup, await reached(target, { wrap: (inner) => written.wrap(form(inner)) }));
      expect(written.bodiesIn(0)).toBeGreaterThan(400);
      // Of those in batches: four pieces make a batch, and a batch is written while the next one is made.
      expect(written.piecesOf(SLAB_BYTES)).toBeLessThan(12);
      expect(written.freed).toBe(0);
      expect(written.readable).toBe(0);
    },
  );
});

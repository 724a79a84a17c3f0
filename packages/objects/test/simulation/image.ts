import { MemoryBackend } from '@securestore/backend-memory';
import type { Head } from '@securestore/core-format';
import { decodeHead, encodeHead, HEAD_NAME, joinHead } from '@securestore/core-format';
import type { KeySet, UnlockMethod } from '@securestore/crypto';
import { rawKey, signAs } from '@securestore/crypto';
import type { ObjectStore } from '../../src/index.ts';
import { createObjectStore } from '../../src/index.ts';
import { ownerKeys } from '../../src/head/unlock/owner-keys.ts';
import { HEAD_USE, loadState } from '../../src/head/store-state.ts';
import { unlockRoot } from '../../src/head/unlock/unlock-root.ts';
import { Dice } from './dice.ts';
import { EPOCH } from './process.ts';

/** What opens the store. */
export interface Secrets {
  /** Stays. */
  readonly kept: UnlockMethod;
  /** Is replaced by rotations. */
  readonly rotated: UnlockMethod;
  /** Is removed by whoever revokes it. */
  readonly guest: UnlockMethod;
}

/** A new store as bodies, from which every schedule begins: making one takes longer than many a schedule. */
export interface Image {
  readonly bodies: ReadonlyMap<string, Uint8Array>;
  readonly secrets: Secrets;
  /** The id of the guest's slot. */
  readonly guestSlot: string;
  readonly head: Head;
  readonly keys: KeySet;
  /** A head as it is stored, signed by the store's identity. */
  readonly sign: (head: Head) => Buffer;
}

/** @param fill what else is done to the new store */
export async function makeImage(fill?: (store: ObjectStore) => Promise<void>): Promise<Image> {
  const [kept, rotated, guest] = [7, 8, 9].map((byte) => rawKey(Buffer.alloc(32, byte)));
  if (kept === undefined || rotated === undefined || guest === undefined) throw new Error('three secrets are needed');
  const secrets = { kept, rotated, guest };
  const unlock = secrets.kept;
  const clock = {
    now: () => EPOCH,
    uptime: () => 0,
    sleep: async () => undefined,
  };
  const dice = new Dice(1);
  const backend = await emptyBackend(() => EPOCH);
  // The store is not closed, since a private memory is gone with its backend.
  const store = await createObjectStore({
    backend,
    url: 'memory:',
    unlock,
    clock,
    random: (count) => dice.bytes(count),
  });
  await store.slots.add(secrets.rotated);
  const { id: guestSlot } = await store.slots.add(secrets.guest);
  await fill?.(store);
  const { entries } = await backend.list('');
  const bodies = new Map<string, Uint8Array>();
  for (const { key } of entries) {
    const found = await backend.read(key);
    if (found !== undefined) bodies.set(key, found.body);
  }
  const { head } = decodeHead(bodies.get(HEAD_NAME) ?? new Uint8Array());
  const { keys } = await loadState(backend, head, await unlockRoot(head, unlock));
  const sign = (revised: Head): Buffer => {
    const signed = encodeHead(revised);
    return joinHead(signed, signAs(ownerKeys({ keys }).identity, HEAD_USE, signed));
  };
  return { bodies, secrets, guestSlot, head, keys, sign };
}

async function emptyBackend(clock: () => number): Promise<MemoryBackend> {
  const backend = new MemoryBackend({ clock });
  await backend.init({ url: 'memory:', options: {} });
  return backend;
}

/** A backend of its own that holds what the image holds. */
export async function backendFrom({ bodies }: Image, clock: () => number): Promise<MemoryBackend> {
  const backend = await emptyBackend(clock);
  for (const [key, body] of bodies) await backend.write(key, body);
  return backend;
}

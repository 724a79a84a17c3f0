import type { StorageBackend } from '@securestore/backend-api';
import type { Advice, BackupKeys, Head } from '@securestore/core-format';
import {
  BACKUP_AREAS,
  BACKUP_KEYS_NAME,
  decodeBackupKeys,
  decodeHead,
  encodeBackupKeys,
  HEAD_NAME,
  ID_LENGTH,
  SecureStoreError,
} from '@securestore/core-format';
import { isUndecided } from '@securestore/jobs';
import type { BackupArea, CopiedHead } from '@securestore/objects/internal';
import { isGenuineCopy } from '@securestore/objects/internal';
import { isConflict, noBackup, refuse } from './errors.ts';

const MAX_TRIES = 10;

/** The URL of a destination of backups. */
export interface Destination {
  readonly backend: StorageBackend;
  /** For messages; without credentials. */
  readonly url: string;
  /** Binds what is encrypted for it. */
  readonly id: Uint8Array;
}

/** A destination with its object `keys`. */
export interface FoundDestination extends Destination {
  readonly keys: BackupKeys;
  /** Of the object `keys`. */
  readonly etag: string;
}

/** The store, while it exists, writes the object `keys` of its own destination again; only another destination helps otherwise. */
function ofDamagedKeys(url: string): Advice[] {
  return [{ id: 'make-snapshot', destination: url }, { id: 'choose-store-url' }];
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
function keysIn(body: Uint8Array, url: string): BackupKeys {
  try {
    return decodeBackupKeys(body);
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
    const message = `${error.message} (${url}). Without it the backups there cannot be opened.`;
    throw SecureStoreError.from(error, { message, advice: ofDamagedKeys(url) });
  }
}

/** @throws SecureStoreError `INTEGRITY` if points are there without keys, and what the backend throws */
export async function findDestination(
  backend: StorageBackend,
  url: string,
  signal?: AbortSignal,
): Promise<FoundDestination | undefined> {
  const found = await backend.read(BACKUP_KEYS_NAME, { signal });
  if (found !== undefined) {
    const keys = keysIn(found.body, url);
    return { backend, url, id: keys.destination, keys, etag: found.etag ?? '' };
  }
  const { entries } = await backend.list(BACKUP_AREAS.points, { limit: 1, signal });
  if (entries.length === 0) return undefined;
  throw new SecureStoreError(
    'INTEGRITY',
    `the object "keys" is missing at ${url}. Without it the backups there cannot be opened.`,
    { advice: [{ id: 'check-store-url', url }, ...ofDamagedKeys(url)] },
  );
}

/** @throws SecureStoreError as {@link findDestination}; `NOT_FOUND` if no backup is there */
export async function requireDestination(
  backend: StorageBackend,
  url: string,
  signal?: AbortSignal,
): Promise<FoundDestination> {
  const found = await findDestination(backend, url, signal);
  if (found !== undefined) return found;
  throw noBackup(url);
}

/** Whether a backend has backups, also if the object `keys` is missing. @throws SecureStoreError what the backend throws */
export async function isBackup(backend: StorageBackend, signal?: AbortSignal): Promise<boolean> {
  if ((await backend.read(BACKUP_KEYS_NAME, { start: 0, end: 1, signal })) !== undefined) return true;
  const { entries } = await backend.list(BACKUP_AREAS.points, { limit: 1, signal });
  return entries.length > 0;
}

/** The head that a destination has; its signature is not verified. @throws SecureStoreError `INTEGRITY` */
export function headOf({ keys }: FoundDestination): Head {
  return decodeHead(keys.head).head;
}

/** The part of a head that decides who can open a store. */
function openersIn({ rootNumber, slots, references: { keyring, grants } }: Head): string {
  const ids = slots.map((slot) => Buffer.from('raw' in slot ? slot.raw : slot.id).toString('hex'));
  return [rootNumber, keyring?.name ?? '', grants?.name ?? '', ...ids].join(' ');
}

/** Whether a destination has the slots, keys and members of a head, and whether it has the policy. */
export function accessAt(
  found: FoundDestination,
  copied: CopiedHead,
): { readonly openers: boolean; readonly policy: boolean } {
  if (!isGenuineCopy(found.keys)) return { openers: false, policy: false };
  const [there, now] = [headOf(found), decodeHead(copied.head).head];
  return {
    openers: openersIn(there) === openersIn(now),
    policy: there.references.policy?.name === now.references.policy?.name,
  };
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The store that the backups at a destination are of: the store itself, the one that it was restored from, or another copy, which may be ahead. */
export type Owner = 'self' | 'source' | 'copy';

/**
 * Tells which store the backups are of that `before` is the head of.
 *
 * @throws SecureStoreError `ALREADY_EXISTS` for those of another store
 */
export function ownerOf(url: string, before: Head, next: Head): Owner {
  if (!same(before.lineage, next.lineage) || !same(before.identity, next.identity)) {
    throw new SecureStoreError('ALREADY_EXISTS', `${url} has the backups of another store`, {
      advice: [{ id: 'choose-store-url' }],
    });
  }
  if (same(before.instance, next.instance)) return 'self';
  const descends =
    same(next.parent.instance, before.instance) || (next.instances ?? []).some((id) => same(id, before.instance));
  return descends && next.parent.generation >= before.generation ? 'source' : 'copy';
}

/**
 * Checks that a store may continue the backups of an owner: its own, or, to take them over, those of the store that it was restored from.
 *
 * @throws SecureStoreError `CONFLICT`
 */
export function checkOwned(url: string, owner: Owner, takeOver: boolean): void {
  if (owner !== 'self' && !(takeOver && owner === 'source')) throw notOwnBackups(url, owner);
}

/** The error for backups that are not those of the store itself. */
export function notOwnBackups(url: string, owner: Exclude<Owner, 'self'>): SecureStoreError {
  if (owner === 'source') {
    const message = `${url} has the backups of the store that this one was restored from, which may still use them`;
    return new SecureStoreError('CONFLICT', message, {
      advice: [{ id: 'choose-store-url' }, { id: 'take-over-destination', destination: url }],
    });
  }
  const message = `${url} has the backups of another copy of this store. Each copy needs its own destination.`;
  return new SecureStoreError('CONFLICT', message, {
    advice: [{ id: 'choose-store-url' }, { id: 'unregister-destination', destination: url }],
  });
}

/**
 * Backups in the folder of the store would be lost with it, and removing the one must not remove the other.
 *
 * @throws SecureStoreError `ALREADY_EXISTS` if a store is there, `INVALID_ARGUMENT` if one of both is in the folder of the other
 */
async function refuseStore(
  area: BackupArea,
  backend: StorageBackend,
  url: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const nesting = await area.nestingOf(backend);
  if (nesting !== undefined) {
    const where = nesting === 'inside' ? 'is in the folder of the store' : 'is a folder around the store';
    refuse(`${url} ${where}. Backups need a destination apart from the store.`, { id: 'choose-store-url' });
  }
  if ((await backend.read(HEAD_NAME, { start: 0, end: 1, signal })) === undefined) return;
  throw new SecureStoreError('ALREADY_EXISTS', `${url} has a store. Backups need a destination of their own.`, {
    advice: [{ id: 'choose-store-url' }],
  });
}

/**
 * The destination with the current keys. It is created if nothing is there.
 *
 * @param takeOver whether the backups of the store that this one was restored from become its own
 * @throws SecureStoreError as {@link findDestination}; `ALREADY_EXISTS`, `CONFLICT` if it belongs to another store or copy;
 *   `INVALID_ARGUMENT` if it is in the folder of the store, or around it
 */
export async function prepareDestination(
  area: BackupArea,
  { backend, url }: Pick<Destination, 'backend' | 'url'>,
  copied: CopiedHead,
  signal?: AbortSignal,
  takeOver = false,
): Promise<FoundDestination> {
  for (let tries = 1; ; tries++) {
    const found = await findDestination(backend, url, signal);
    const next = decodeHead(copied.head).head;
    if (found === undefined) await refuseStore(area, backend, url, signal);
    if (found !== undefined) {
      const before = headOf(found);
      checkOwned(url, ownerOf(url, before, next), takeOver);
      const isOwn = same(before.instance, next.instance);
      // A process with a newer head was here. If another writer only pretends that, nothing there could be opened.
      if (isOwn && before.generation >= next.generation && isGenuineCopy(found.keys)) return found;
    }
    const keys: BackupKeys = {
      destination: found?.id ?? area.random(ID_LENGTH),
      head: copied.head,
      objects: copied.objects,
    };
    const condition = found === undefined ? { ifAbsent: true as const } : { ifMatch: found.etag };
    try {
      const { etag } = await backend.write(BACKUP_KEYS_NAME, encodeBackupKeys(keys), { ...condition, signal });
      return { backend, url, id: keys.destination, keys, etag };
    } catch (error) {
      if (!isUndecided(error)) throw error;
      if (tries < MAX_TRIES) continue;
      if (!isConflict(error)) throw error;
      const message = `the object "keys" at ${url} was changed by other processes ${MAX_TRIES} times`;
      const advice = [{ id: 'try-again' }] as const;
      throw new SecureStoreError('CONFLICT', message, { retryable: true, cause: error, advice });
    }
  }
}

/**
 * Replaces the head at a destination, whatever store it is of. If another process changes it at this moment, nothing is replaced.
 *
 * @throws SecureStoreError what the backend throws
 */
export async function replaceHead(found: FoundDestination, copied: CopiedHead, signal?: AbortSignal): Promise<void> {
  const { backend, id, etag } = found;
  const keys: BackupKeys = { destination: id, head: copied.head, objects: copied.objects };
  try {
    await backend.write(BACKUP_KEYS_NAME, encodeBackupKeys(keys), { ifMatch: etag, signal });
  } catch (error) {
    if (!isUndecided(error)) throw error;
  }
}

/**
 * Writes the current head of the store to a destination, as {@link prepareDestination}.
 *
 * @param takeOver also over the head of the store that this one was restored from
 * @returns the destination, and the generation of its head, at least
 */
export async function publishHead(
  area: BackupArea,
  target: Pick<Destination, 'backend' | 'url'>,
  signal?: AbortSignal,
  takeOver = false,
): Promise<{ readonly destination: FoundDestination; readonly generation: number }> {
  const copied = await area.copyHead(signal);
  const destination = await prepareDestination(area, target, copied, signal, takeOver);
  return { destination, generation: copied.generation };
}

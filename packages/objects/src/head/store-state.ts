import type { KeyObject } from 'node:crypto';
import type { ReadResult, StorageBackend } from '@securestore/backend-api';
import type { Head, Keyring, Reference, ReferenceKind, SignedHead } from '@securestore/core-format';
import {
  asBuffer,
  decodeCategoryMap,
  decodeHead,
  decodeKeyring,
  generationOf,
  HEAD_NAME,
  SecureStoreError,
  sha256,
  systemContext,
} from '@securestore/core-format';
import type { KeySet } from '@securestore/crypto';
import {
  identityPublicKey,
  keyringKey,
  loadGranted,
  loadKeyring,
  loadSuites,
  openSystemBody,
  RecentCache,
  unversioned,
  verifyAs,
} from '@securestore/crypto';
import type { UnlockedGrant, UnlockedSlot } from '@securestore/crypto';
import type { CategoryMatcher } from './category-matcher.ts';
import { categoryMatcher } from './category-matcher.ts';
import type { CryptoEventSource } from './crypto-event-source.ts';

/** By what a process opened a store: a slot, with the root key, or what was granted to it as a member. */
export type Unlocked = UnlockedSlot | UnlockedGrant;

/** What an open store knows under one generation of its head. */
export interface StoreState {
  readonly head: Head;
  readonly unlocked: Unlocked;
  readonly keys: KeySet;
  readonly categories: CategoryMatcher;
  /** Who may do what, which is not for the engine to know; absent where access control was never switched on, and for members. */
  readonly policy?: Uint8Array | undefined;
  /** Where the store is backed up, which `@securestore/backup` understands; absent where that was never registered, and for members without the keys of backups. */
  readonly destinations?: Uint8Array | undefined;
  /** Whether retired keys still open records: in copies of a store, which may be from before that. */
  readonly opensRetired?: boolean | undefined;
  /** Where somebody wants to be told what is done with keys. */
  readonly events?: CryptoEventSource | undefined;
}

/** A head as read, its signature verified under the key that it carries. */
export interface ReadHead extends SignedHead {
  readonly etag: string;
  /** The backend's clock, where it has one. */
  readonly now: number | undefined;
}

/** Domain label of the head's signature. */
export const HEAD_USE = 'head';

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`, and what the backend throws */
export async function readHead(backend: StorageBackend, signal?: AbortSignal): Promise<ReadHead | undefined> {
  const found = await backend.read(HEAD_NAME, { signal });
  return found && parseHead(found);
}

/** The heads that were verified last, by their bytes: a head is read every other second, and hardly ever another one. */
const verified = new RecentCache<string, SignedHead>(4);

/** Depends on nothing but `body`. */
function verifiedHead(body: Uint8Array): SignedHead {
  const bytes = asBuffer(body).toString('latin1');
  const known = verified.get(bytes);
  if (known !== undefined) return known;
  // Nobody else can change this one.
  const signed = decodeHead(Buffer.from(body));
  if (!verifyAs(signed.head.identity, HEAD_USE, signed.signedBytes, signed.signature)) {
    throw new SecureStoreError('INTEGRITY', 'the head of the store is damaged: its signature does not match');
  }
  verified.set(bytes, signed);
  return signed;
}

/** A head as it was read. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function parseHead(found: Pick<ReadResult, 'body' | 'etag' | 'now'>): ReadHead {
  return { ...verifiedHead(found.body), etag: found.etag ?? '', now: found.now };
}

/** The bytes of an object that the head pins. @throws SecureStoreError `INTEGRITY` where they aren't there or are others */
export async function readPinned(
  backend: StorageBackend,
  head: Head,
  kind: ReferenceKind,
  signal: AbortSignal | undefined,
): Promise<{ readonly body: Uint8Array; readonly context: Buffer; readonly generation: number }> {
  const reference: Reference | undefined = head.references[kind];
  const generation = reference === undefined ? undefined : generationOf(reference.name);
  if (reference === undefined || generation === undefined) {
    throw new SecureStoreError('INTEGRITY', `the head of the store names no ${LABELS[kind]}`);
  }
  const found = await backend.read(reference.name, { signal });
  if (found === undefined) throw new SecureStoreError('INTEGRITY', `the ${LABELS[kind]} of the store is missing`);
  if (!sha256(found.body).equals(asBuffer(reference.digest))) {
    throw new SecureStoreError(
      'INTEGRITY',
      `the ${LABELS[kind]} of the store is damaged: it is not what the head names`,
    );
  }
  return { body: found.body, context: systemContext(head.instance, generation, reference.name), generation };
}

const LABELS: Readonly<Record<ReferenceKind, string>> = {
  keyring: 'keyring',
  categoryMap: 'category map',
  policy: 'policy',
  grants: 'grants',
  checkpoint: 'checkpoint',
  formerCheckpoint: 'former checkpoint',
  destinations: 'list of destinations of backups',
};

/** The keys themselves, which the caller wipes. @throws SecureStoreError `INTEGRITY`, and what the backend throws */
export async function readKeyring(
  backend: StorageBackend,
  head: Head,
  root: KeyObject,
  signal?: AbortSignal,
): Promise<Keyring> {
  const { body, context } = await readPinned(backend, head, 'keyring', signal);
  const key = unversioned(keyringKey(root));
  const opened = openSystemBody('the keyring', key, head.suites, 'keyring', context, body);
  try {
    return decodeKeyring(opened);
  } finally {
    opened.fill(0);
  }
}

async function readKeys(
  backend: StorageBackend,
  head: Head,
  unlocked: Unlocked,
  events: CryptoEventSource | undefined,
  signal?: AbortSignal,
): Promise<KeySet> {
  const keys =
    'root' in unlocked
      ? loadKeyring(await readKeyring(backend, head, unlocked.root, signal), events?.used)
      : loadGranted(unlocked.granted, events?.used);
  const { owner } = keys;
  if (
    owner !== undefined &&
    (owner.rootNumber !== head.rootNumber || !identityPublicKey(owner.identity).equals(asBuffer(head.identity)))
  ) {
    throw new SecureStoreError('INTEGRITY', 'the keyring of the store is damaged: it belongs to another head');
  }
  const strange = keys.versions.find(({ state, suite }) => state !== 'destroyed' && !head.suites.includes(suite));
  if (strange !== undefined) {
    events?.refusedSuite(strange.suite);
    throw new SecureStoreError(
      'INTEGRITY',
      'the keyring of the store is damaged: it has a key of a suite that the store does not accept',
    );
  }
  return keys;
}

async function readCategories(
  backend: StorageBackend,
  head: Head,
  keys: KeySet,
  events: CryptoEventSource | undefined,
  signal?: AbortSignal,
): Promise<CategoryMatcher> {
  const { body, context } = await readPinned(backend, head, 'categoryMap', signal);
  const opened = openSystemBody(
    'the category map',
    unversioned(keys.categoryMap),
    head.suites,
    'categoryMap',
    context,
    body,
  );
  const map = decodeCategoryMap(opened);
  events?.name(map);
  return categoryMatcher(map);
}

async function readPolicy(
  backend: StorageBackend,
  head: Head,
  { owner }: KeySet,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  if (owner === undefined || head.references.policy === undefined) return undefined;
  const { body, context } = await readPinned(backend, head, 'policy', signal);
  return openSystemBody('the access policy', unversioned(owner.policy), head.suites, 'policy', context, body);
}

async function readDestinations(
  backend: StorageBackend,
  head: Head,
  { backup }: KeySet,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  if (backup === undefined || head.references.destinations === undefined) return undefined;
  const { body, context } = await readPinned(backend, head, 'destinations', signal);
  const what = 'the list of destinations of backups';
  return openSystemBody(what, (id) => backup.version(id), head.suites, 'destinations', context, body);
}

export const samePin = (a: Reference | undefined, b: Reference | undefined): boolean =>
  a !== undefined && b !== undefined && a.name === b.name && Buffer.compare(a.digest, b.digest) === 0;

/**
 * Loads what a verified head names. What it shares with `previous` is not read again; whoever listens goes on listening.
 *
 * @throws SecureStoreError `INTEGRITY`, and what the backend throws
 */
export async function loadState(
  backend: StorageBackend,
  head: Head,
  unlocked: Unlocked,
  previous: Partial<StoreState> = {},
  signal?: AbortSignal,
): Promise<StoreState> {
  await loadSuites(head.suites);
  const { references } = head;
  const { events, opensRetired } = previous;
  const known = previous.head?.references;
  const kept = <T>(kind: ReferenceKind, value: T | undefined): T | undefined =>
    samePin(known?.[kind], references[kind]) ? value : undefined;
  const from = 'root' in unlocked ? 'keyring' : 'grants';
  const keys = kept(from, previous.keys) ?? (await readKeys(backend, head, unlocked, events, signal));
  const categories =
    kept('categoryMap', previous.categories) ?? (await readCategories(backend, head, keys, events, signal));
  const policy = kept('policy', previous.policy) ?? (await readPolicy(backend, head, keys, signal));
  const destinations =
    kept('destinations', previous.destinations) ?? (await readDestinations(backend, head, keys, signal));
  return { head, unlocked, keys, categories, policy, destinations, events, opensRetired };
}

import { createHash } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import type { CategoryMap, Head, Keyring, ObjectBody, RecordHeader } from '@securestore/core-format';
import {
  decodeCategoryMap,
  decodeKeyring,
  encodeCategoryMap,
  encodeHead,
  encodeKeyring,
  encodeObjectBody,
  generationOf,
  HEAD_NAME,
  joinHead,
  keyringName,
  noId,
  objectName,
  parseStoreKey,
  policyName,
  systemContext,
} from '@securestore/core-format';
import {
  keyringKey,
  NameCipher,
  openSystemBody,
  randomPool,
  sealRecord,
  sealSystemBody,
  signAs,
  unversioned,
} from '@securestore/crypto';
import type { LocatedName } from '@securestore/crypto';
import type { ObjectStore } from '../../src/index.ts';
import { ownerKeys, rootOf } from '../../src/head/unlock/owner-keys.ts';
import type { StoreState } from '../../src/head/store-state.ts';
import { HEAD_USE, loadState, readHead } from '../../src/head/store-state.ts';
import { unlockRoot } from '../../src/head/unlock/unlock-root.ts';
import { following, headAt } from './heads.ts';
import type { Place } from './places.ts';
import { memoryPlace } from './places.ts';
import { createAt, UNLOCK, usePlace } from './stores.ts';

const SEALED_UNDER = { tokens: ['tokens/**'] };

/** A store, and what forges objects of it. */
export interface Workshop {
  readonly store: ObjectStore;
  readonly backend: StorageBackend;
  readonly state: StoreState;
  readonly place: Place;
  readonly locate: (key: string) => LocatedName;
}

/** A new store in memory with a category `tokens` for `tokens/**`. */
export async function workshop(wrap?: (backend: StorageBackend) => StorageBackend): Promise<Workshop> {
  const place = usePlace(() => memoryPlace());
  const store = await createAt(place, { categories: SEALED_UNDER, ...(wrap === undefined ? {} : { wrap }) });
  const backend = await place.open();
  const read = await readHead(backend);
  if (read === undefined) throw new Error('no head');
  const state = await loadState(backend, read.head, await unlockRoot(read.head, UNLOCK));
  const names = new NameCipher(state.keys.names, 'encrypted', read.head.lineage);
  return { store, backend, state, place, locate: (key) => names.locate(parseStoreKey(key)) };
}

const random = randomPool();

/** What is different from a genuine record. */
export interface Forgery {
  readonly header?: Partial<RecordHeader>;
  readonly body?: Partial<ObjectBody>;
  /** A name whose category's key seals it. */
  readonly keyOf?: string;
}

/** A record at the name `key`, sealed under a genuine key. */
export async function forge(shop: Workshop, key: string, { header, body, keyOf = key }: Forgery): Promise<void> {
  const { state, locate, backend } = shop;
  const { token, nameId } = locate(key);
  const { primary } = state.keys.category(state.categories.idOf(parseStoreKey(keyOf)));
  const fields: RecordHeader = {
    suite: primary.suite,
    kind: 'object',
    lineage: state.head.lineage,
    nameId,
    categoryId: primary.groupId,
    version: 1_700_000_000_000_000,
    commitId: random(16),
    previousCommitId: noId(),
    generation: 1,
    ...header,
  };
  const inside: ObjectBody = {
    name: key,
    created: 1,
    modified: 1,
    expires: 0,
    origin: fields.version,
    length: 3,
    digest: Buffer.alloc(32),
    metadata: Buffer.alloc(0),
    payload: { kind: 'inline', data: Buffer.from('abc') },
    ...body,
  };
  await backend.write(objectName(token), sealRecord(primary, fields, encodeObjectBody(inside), random));
}

/** Replaces the head by a changed one that is signed by the store identity. */
export async function resign({ backend, state }: Workshop, changes: Partial<Head>): Promise<void> {
  const signed = encodeHead(following(await headAt(backend), { ...state.head, ...changes }));
  await backend.write(HEAD_NAME, joinHead(signed, signAs(ownerKeys(state).identity, HEAD_USE, signed)));
}

/** What the store seals of its own, and what it is sealed under. */
const PURPOSES = {
  keyring: { nameOf: keyringName, keyOf: (state: StoreState) => keyringKey(rootOf(state)) },
  categoryMap: { nameOf: policyName, keyOf: ({ keys }: StoreState) => keys.categoryMap },
} as const;

/** Writes a changed keyring or category map and a head that names it, as another process of the same store would. */
async function revise(
  shop: Workshop,
  purpose: keyof typeof PURPOSES,
  change: (plain: Buffer) => Buffer,
): Promise<void> {
  const { backend, state } = shop;
  const head = await headAt(backend);
  const { nameOf, keyOf } = PURPOSES[purpose];
  const { name: before = '' } = head.references[purpose] ?? {};
  const context = systemContext(head.instance, generationOf(before) ?? 0, before);
  const body = (await backend.read(before))?.body ?? Buffer.alloc(0);
  const plain = openSystemBody('it', unversioned(keyOf(state)), head.suites, purpose, context, body);
  const generation = head.generation + 1;
  const name = nameOf(generation, random(16));
  const place = systemContext(head.instance, generation, name);
  const sealed = sealSystemBody({ secret: keyOf(state), suite: 1 }, purpose, place, change(plain), random);
  await backend.write(name, sealed);
  const digest = createHash('sha256').update(sealed).digest();
  await resign(shop, { ...head, generation, references: { ...head.references, [purpose]: { name, digest } } });
}

export function reviseKeyring(shop: Workshop, change: (keyring: Keyring) => Keyring): Promise<void> {
  return revise(shop, 'keyring', (plain) => encodeKeyring(change(decodeKeyring(plain))));
}

export function reviseCategories(shop: Workshop, change: (map: CategoryMap) => CategoryMap): Promise<void> {
  return revise(shop, 'categoryMap', (plain) => encodeCategoryMap(change(decodeCategoryMap(plain))));
}

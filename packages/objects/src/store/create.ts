import type { KeyObject } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import type { Head, Keyring, Reference } from '@securestore/core-format';
import {
  encodeCategoryMap,
  encodeKeyring,
  HEAD_NAME,
  ID_LENGTH,
  KEY_LENGTH,
  noId,
  SecureStoreError,
  sha256,
} from '@securestore/core-format';
import {
  fingerprintBytes,
  identityPrivateKey,
  fingerprintOf,
  identityPublicKey,
  keyringKey,
  loadKeyring,
  loadSuites,
  randomPool,
  sealSlot,
  takeKey,
} from '@securestore/crypto';
import { isUndecided, systemClock } from '@securestore/jobs';
import { sealReference } from '../engine/head-references.ts';
import type { Sealed } from '../engine/seal-grants.ts';
import { inOrder, newGroup } from '../engine/new-keys.ts';
import { refuseBegun } from '../head/intent-marker.ts';
import { FIRST_GENERATION, hasBackups, hasRemains } from '../head/store-remains.ts';
import { rememberedAt } from '../head/trust/check-identity.ts';
import type { CryptoEventSource } from '../head/crypto-event-source.ts';
import { keyChanges } from '../engine/key-changes.ts';
import { refusedWrongly } from '../engine/stall-detector.ts';
import { signedHead } from '../head/sign-head.ts';
import type { StoreSettings } from '../api/create-settings.ts';
import { categoryMapOf, parseSettings } from '../api/create-settings.ts';
import type { OpenSettings, StoreContext } from '../head/open-settings.ts';

const FIRST_ROOT = 1;

async function writeNew(
  backend: StorageBackend,
  { name, body }: Sealed,
  signal: AbortSignal | undefined,
): Promise<Reference> {
  try {
    await backend.write(name, body, { ifAbsent: true, signal });
  } catch (error) {
    if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
    throw refusedWrongly(backend, 'nothing can be at a random name', error);
  }
  return { name, digest: sha256(body) };
}

/** A new store over what another one has left would make it unreadable for good. */
async function refuseRemains(context: StoreContext): Promise<void> {
  if (!(await hasRemains(context.backend, context.signal))) return;
  await refuseBegun(context);
  throw new SecureStoreError(
    'INTEGRITY',
    'the head of the store is missing, though objects of it are there. Nothing was created.',
    { advice: [{ id: 'restore-store' }, { id: 'choose-store-url' }] },
  );
}

/** A store among backups would be lost with them, and they with it. */
async function refuseBackups({ backend, url, signal }: StoreContext): Promise<void> {
  if (!(await hasBackups(backend, signal))) return;
  throw new SecureStoreError('ALREADY_EXISTS', 'backups of a store are here. Nothing was created.', {
    advice: [
      { id: 'choose-store-url' },
      { id: 'list-snapshots', destination: url },
      { id: 'restore-store', destination: url },
    ],
  });
}

/** If the disk of a store is not mounted, another store in its place would hide it. */
async function refuseRemembered(context: StoreContext & Pick<OpenSettings, 'acceptRollback'>): Promise<void> {
  if (context.acceptRollback === true || (await rememberedAt(context)) === undefined) return;
  throw new SecureStoreError('ROLLBACK', 'a store was here before, and is missing now. Nothing was created.', {
    reason: 'missing',
    advice: [{ id: 'check-store-url', url: context.url }, { id: 'restore-store' }, { id: 'replace-store' }],
  });
}

/** A store that is made to take in another one: no other process opens it before that is done. */
interface Founded {
  readonly founded?: { readonly versionFloor: number; readonly state: 'scratch' } | undefined;
}

/**
 * Makes a store if there is none: keyring and category map first, the head last, in one conditional write.
 *
 * @returns its fingerprint
 * @throws SecureStoreError `ALREADY_EXISTS` if there is a store, or backups, leaving them as they are; `INTEGRITY` if a store has
 *   lost its head; `ROLLBACK` if the anchor remembers a store here, and `acceptRollback` is not set; `INVALID_ARGUMENT`
 */
export async function createStoreAt(
  settings: StoreSettings & StoreContext & Pick<OpenSettings, 'acceptRollback'> & Founded,
  events?: CryptoEventSource,
): Promise<string> {
  const { backend, signal, clock = systemClock(), random = randomPool() } = settings;
  const { history, rotationDays, naming, journal, suite, categories: named } = parseSettings(settings);
  const map = categoryMapOf(named, random);
  await loadSuites([suite]);
  if ((await backend.read(HEAD_NAME, { signal })) !== undefined) alreadyExists();
  await refuseBackups(settings);
  if (settings.founded === undefined) {
    await refuseRemains(settings);
    await refuseRemembered(settings);
  }
  const now = clock.now();
  const { versionFloor = 0, state = 'open' } = settings.founded ?? {};
  const lineage = random(ID_LENGTH);
  const instance = random(ID_LENGTH);
  const seed = random(KEY_LENGTH);
  const identity = identityPrivateKey(seed);
  const root = takeKey(random(KEY_LENGTH));
  const publicKey = identityPublicKey(identity);
  const slotContext = { lineage, fingerprint: fingerprintBytes(publicKey) };
  const slot = await sealSlot(settings.unlock, slotContext, { number: FIRST_ROOT, key: root }, now, random, signal);
  const categories = map.categories.map(({ id }) => newGroup(id, 'category', suite, now, random));
  const groups = inOrder([...categories, newGroup(random(ID_LENGTH), 'journal', suite, now, random)]);
  const keyring: Keyring = { rootNumber: FIRST_ROOT, identitySeed: seed, nameKey: random(KEY_LENGTH), groups };
  const place = { instance, generation: FIRST_GENERATION };
  const write = (purpose: 'keyring' | 'categoryMap', secret: KeyObject, plaintext: Buffer): Promise<Reference> => {
    const sealed = sealReference(purpose, place, { secret, suite }, plaintext, random);
    plaintext.fill(0);
    return writeNew(backend, sealed, signal);
  };
  const encoded = encodeKeyring(keyring);
  // Loading wipes what it is given.
  const keys = loadKeyring(keyring);
  const references = {
    keyring: await write('keyring', keyringKey(root), encoded),
    categoryMap: await write('categoryMap', keys.categoryMap, encodeCategoryMap(map)),
  };
  const head: Head = {
    lineage,
    instance,
    parent: { instance: noId(), generation: 0 },
    generation: FIRST_GENERATION,
    ancestors: [],
    time: now,
    identity: publicKey,
    rootNumber: FIRST_ROOT,
    state,
    naming,
    suites: [suite],
    versionFloor,
    history,
    journal: journal ? 'on' : 'off',
    rotationDays,
    references,
    slots: [slot],
  };
  const body = signedHead(head, identity);
  try {
    await backend.write(HEAD_NAME, body, { ifAbsent: true, signal });
  } catch (error) {
    if (!isUndecided(error)) throw error;
    const conflict = error.code === 'CONFLICT';
    // What is stored now decides: no two heads are the same.
    const found = await backend.read(HEAD_NAME, { signal }).catch((failure: unknown) => {
      throw conflict ? failure : error;
    });
    if (found === undefined) throw conflict ? refusedWrongly(backend, 'no head is there', error) : error;
    if (!body.equals(found.body)) alreadyExists();
  }
  events?.of(head);
  events?.name(map);
  events?.changed(keyChanges(events, { head, keyring }));
  return fingerprintOf(publicKey);
}

function alreadyExists(): never {
  throw new SecureStoreError('ALREADY_EXISTS', 'a store already exists here. Nothing was changed.', {
    advice: [{ id: 'choose-store-url' }],
  });
}

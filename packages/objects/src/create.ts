import { createHash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import type {
  CategoryMap,
  Head,
  HistorySettings,
  KeyGroup,
  Keyring,
  Naming,
  Purpose,
  Reference,
} from '@securestore/core-format';
import {
  AREAS,
  DEFAULT_CATEGORY,
  encodeCategoryMap,
  encodeHead,
  encodeKeyring,
  encodeNumber,
  HEAD_NAME,
  ID_LENGTH,
  joinHead,
  KEY_ID_LENGTH,
  KEY_LENGTH,
  keyringName,
  MAX_CATEGORIES,
  MAX_CATEGORY_RULES,
  noId,
  policyName,
  SecureStoreError,
  systemContext,
} from '@securestore/core-format';
import type { RandomSource, UnlockMethod } from '@securestore/crypto';
import {
  fingerprintBytes,
  identityPrivateKey,
  fingerprintOf,
  identityPublicKey,
  keyringKey,
  loadKeyring,
  loadSuites,
  sealSlot,
  sealSystemBody,
  signAs,
  SUITE_IDS,
  takeKey,
} from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import type { CryptoEventSource } from './crypto-event-source.ts';
import { keyChanges } from './key-changes.ts';
import { listPage } from './pages.ts';
import { parseNumbers } from './parse-numbers.ts';
import { compilePattern } from './pattern.ts';
import { refusedWrongly } from './standstill.ts';
import { HEAD_USE } from './state.ts';

/** What is decided when a store is made, and kept in it. */
export interface StoreSettings {
  readonly unlock: UnlockMethod;
  /** Path patterns by the name of a category; each category has its own keys. The first that matches decides; what none does is `default`. */
  readonly categories?: Readonly<Record<string, readonly string[]>> | undefined;
  /** How much of an object's past is kept: whatever either rule keeps. Default 10 versions, 30 days. */
  readonly history?: { readonly versions?: number; readonly days?: number } | undefined;
  /**
   * The age of keys, in days, at which a process that keeps the store open makes new ones; 0, the default, for never.
   */
  readonly rotation?: { readonly days?: number } | undefined;
  /**
   * The algorithms that everything in the store is sealed with, and the only ones that it accepts: `1`, the default, is
   * AES-256-GCM with HMAC-SHA-2; `2` is XChaCha20-Poly1305 with BLAKE2b.
   */
  readonly suite?: 1 | 2 | undefined;
  /** `plain` shows object names to the backend. Default `encrypted`. */
  readonly names?: Naming | undefined;
  /**
   * Whether every mutation is announced in the journal from the start, at the cost of a write each. By default from the
   * moment that something reads the journal.
   */
  readonly journal?: boolean | undefined;
}

const FIRST_GENERATION = 1;
const FIRST_ROOT = 1;
const DEFAULT_SUITE = 1;
const RANDOM_NAME_LENGTH = 16;
const MAX_HISTORY = 1_000_000;
const DEFAULT_HISTORY: HistorySettings = { versions: 10, days: 30 };
const MAX_ROTATION_DAYS = 36_500;
const CATEGORY_NAME = /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u;
const MAX_CATEGORY_NAME_BYTES = 64;

function invalid(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

function parseCategories(categories: StoreSettings['categories'], random: RandomSource): CategoryMap {
  const entries = Object.entries(categories ?? {});
  const named = entries.map(([name, patterns]) => {
    if (
      !CATEGORY_NAME.test(name) ||
      Buffer.byteLength(name) > MAX_CATEGORY_NAME_BYTES ||
      name.normalize('NFC') !== name
    ) {
      invalid(
        'the name of a category must be letters, digits, ".", "_" and "-", at most 64 bytes, beginning with a letter or digit',
      );
    }
    if (name === DEFAULT_CATEGORY)
      invalid(`"${DEFAULT_CATEGORY}" is the category of all that no pattern names; it takes no patterns`);
    const list: unknown = typeof patterns === 'string' ? [patterns] : patterns;
    if (!Array.isArray(list) || list.length === 0) invalid(`the category "${name}" needs at least one pattern`);
    for (const pattern of list as unknown[]) compilePattern(pattern);
    return { id: random(ID_LENGTH), name, patterns: list as string[] };
  });
  const rules = named.flatMap(({ id, patterns }) => patterns.map((pattern) => ({ pattern, categoryId: id })));
  if (named.length >= MAX_CATEGORIES || rules.length > MAX_CATEGORY_RULES)
    invalid('there are too many categories or patterns');
  const all = [{ id: random(ID_LENGTH), name: DEFAULT_CATEGORY }, ...named.map(({ id, name }) => ({ id, name }))];
  return { categories: all, rules };
}

function newGroup(id: Uint8Array, kind: KeyGroup['kind'], suite: number, now: number, random: RandomSource): KeyGroup {
  const version = {
    id: random(KEY_ID_LENGTH),
    suite,
    state: 'primary',
    created: now,
    destroyAt: 0,
    key: random(KEY_LENGTH),
  } as const;
  return { id, kind, digestKey: random(KEY_LENGTH), versions: [version] };
}

async function writeNew(
  backend: StorageBackend,
  name: string,
  body: Buffer,
  signal: AbortSignal | undefined,
): Promise<Reference> {
  try {
    await backend.write(name, body, { ifAbsent: true, signal });
  } catch (error) {
    if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
    throw refusedWrongly(backend, 'nothing can be at a random name', error);
  }
  return { name, digest: createHash('sha256').update(body).digest() };
}

/** A new store over what another one has left would make it unreadable for good. */
async function refuseRemains(backend: StorageBackend, signal: AbortSignal | undefined): Promise<void> {
  if (await hasRemains(backend, signal)) {
    throw new SecureStoreError(
      'INTEGRITY',
      'there are objects of a store here but its head is missing. Nothing was created: bring the head back from a backup, ' +
        'or choose an empty location',
    );
  }
}

const { keyrings, policies, ...others } = AREAS;
const OF_OPEN_STORES: readonly string[] = Object.values(others);

/**
 * Whether something lies here that only a store with a head can have written. A keyring and a category map of the first
 * generation are no such thing: a creation that stopped before its head leaves them too, and must be repeatable.
 */
export async function hasRemains(backend: StorageBackend, signal: AbortSignal | undefined): Promise<boolean> {
  const anything = OF_OPEN_STORES.map((area) => listPage(backend, area, { limit: 1, signal }));
  const later = [keyrings, policies].map((area) =>
    // `~` sorts after every digit.
    listPage(backend, area, { after: `${area}${encodeNumber(FIRST_GENERATION)}-~`, limit: 1, signal }),
  );
  const pages = await Promise.all([...anything, ...later]);
  if (pages.every(({ entries }) => entries.length === 0)) return false;
  // It may be of a store that another process has made since somebody looked for the head.
  return (await backend.read(HEAD_NAME, { signal })) === undefined;
}

/**
 * Makes a store where none is: keyring and category map first, the head last, in one conditional write.
 *
 * @returns its fingerprint
 * @throws SecureStoreError `ALREADY_EXISTS` where a store is, leaving it as it is; `INTEGRITY` where a store has
 *   lost its head; `INVALID_ARGUMENT`
 */
export async function createStoreAt(
  backend: StorageBackend,
  settings: StoreSettings & { readonly signal?: AbortSignal | undefined },
  clock: Clock,
  random: RandomSource,
  events?: CryptoEventSource,
): Promise<string> {
  const { signal } = settings;
  const history: HistorySettings = parseNumbers('history', settings.history, DEFAULT_HISTORY, MAX_HISTORY);
  const rotation = parseNumbers('rotation', settings.rotation, { days: 0 }, MAX_ROTATION_DAYS);
  const naming = settings.names ?? 'encrypted';
  if (naming !== 'encrypted' && naming !== 'plain') invalid('the option "names" must be "encrypted" or "plain"');
  const { journal = false } = settings;
  if (typeof journal !== 'boolean') invalid('the option "journal" must be true or false');
  const { suite = DEFAULT_SUITE } = settings;
  if (!SUITE_IDS.includes(suite)) invalid(`the option "suite" must be one of ${SUITE_IDS.join(', ')}`);
  await loadSuites([suite]);
  const map = parseCategories(settings.categories, random);
  if ((await backend.read(HEAD_NAME, { signal })) !== undefined) alreadyExists();
  await refuseRemains(backend, signal);
  const now = clock.now();
  const lineage = random(ID_LENGTH);
  const instance = random(ID_LENGTH);
  const seed = random(KEY_LENGTH);
  const identity = identityPrivateKey(seed);
  const root = takeKey(random(KEY_LENGTH));
  const publicKey = identityPublicKey(identity);
  const slotContext = { lineage, fingerprint: fingerprintBytes(publicKey) };
  const slot = await sealSlot(settings.unlock, slotContext, { number: FIRST_ROOT, key: root }, now, random, signal);
  const categories = map.categories.map(({ id }) => newGroup(id, 'category', suite, now, random));
  const groups = [...categories, newGroup(random(ID_LENGTH), 'journal', suite, now, random)].toSorted((a, b) =>
    Buffer.compare(a.id, b.id),
  );
  const keyring: Keyring = { rootNumber: FIRST_ROOT, identitySeed: seed, nameKey: random(KEY_LENGTH), groups };
  const references = await writeSystemObjects({
    backend,
    instance,
    root,
    keyring,
    suite,
    map,
    random,
    signal,
  });
  const head: Head = {
    lineage,
    instance,
    parent: { instance: noId(), generation: 0 },
    generation: FIRST_GENERATION,
    ancestors: [],
    time: now,
    identity: publicKey,
    rootNumber: FIRST_ROOT,
    state: 'open',
    naming,
    suites: [suite],
    versionFloor: 0,
    history,
    journal: journal ? 'on' : 'off',
    rotationDays: rotation.days,
    references,
    slots: [slot],
  };
  const signed = encodeHead(head);
  const body = joinHead(signed, signAs(identity, HEAD_USE, signed));
  try {
    await backend.write(HEAD_NAME, body, { ifAbsent: true, signal });
  } catch (error) {
    const conflict = SecureStoreError.is(error, 'CONFLICT');
    if (!conflict && !(SecureStoreError.is(error) && error.outcome === 'unknown')) throw error;
    // What lies there now decides: no two heads are the same.
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
  throw new SecureStoreError('ALREADY_EXISTS', 'there is a store here already; it was left as it is');
}

interface SystemObjects {
  readonly backend: StorageBackend;
  readonly instance: Buffer;
  readonly root: KeyObject;
  /** Wiped. */
  readonly keyring: Keyring;
  readonly suite: number;
  readonly map: CategoryMap;
  readonly random: RandomSource;
  readonly signal: AbortSignal | undefined;
}

async function writeSystemObjects({
  backend,
  instance,
  root,
  keyring,
  suite,
  map,
  random,
  signal,
}: SystemObjects): Promise<Head['references']> {
  const seal = async (purpose: Purpose, key: KeyObject, name: string, plaintext: Buffer): Promise<Reference> => {
    const context = systemContext(instance, FIRST_GENERATION, name);
    const body = sealSystemBody({ secret: key, suite }, purpose, context, plaintext, random);
    plaintext.fill(0);
    return writeNew(backend, name, body, signal);
  };
  const encoded = encodeKeyring(keyring);
  const keys = loadKeyring(keyring);
  const ringName = keyringName(FIRST_GENERATION, random(RANDOM_NAME_LENGTH));
  const mapName = policyName(FIRST_GENERATION, random(RANDOM_NAME_LENGTH));
  return {
    keyring: await seal('keyring', keyringKey(root), ringName, encoded),
    categoryMap: await seal('categoryMap', keys.categoryMap, mapName, encodeCategoryMap(map)),
  };
}

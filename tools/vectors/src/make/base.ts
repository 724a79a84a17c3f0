import { bytesFrom } from './bytes.ts';

/** A store that every reader accepts; each vector is one fault in one of these, or none. */
export interface Base {
  readonly name: string;
  readonly description: string;
  readonly naming: 'encrypted' | 'plain';
  /** Accepted by the head. */
  readonly suites: readonly number[];
  /** Of the primary key versions and of the store's own objects. */
  readonly suite: number;
  /** Of the key version before the primary one, and of the blobs. */
  readonly formerSuite: number;
}

export const BASES: readonly Base[] = [
  {
    name: 'suite-1',
    description: 'Suite 1 (AES-256-GCM, HMAC-SHA-2), encrypted names.',
    naming: 'encrypted',
    suites: [1],
    suite: 1,
    formerSuite: 1,
  },
  {
    name: 'suite-2',
    description: 'Suite 2 (XChaCha20-Poly1305, BLAKE2b), encrypted names.',
    naming: 'encrypted',
    suites: [2],
    suite: 2,
    formerSuite: 2,
  },
  {
    name: 'plain',
    description: 'Suite 1, plain names.',
    naming: 'plain',
    suites: [1],
    suite: 1,
    formerSuite: 1,
  },
  {
    name: 'mixed',
    description: 'Suites 1 and 2 at once: blobs and a former key version of suite 1, everything else of suite 2.',
    naming: 'encrypted',
    suites: [1, 2],
    suite: 2,
    formerSuite: 1,
  },
];

export const TIME = 1_700_000_000_000;
export const MICROSECONDS: number = TIME * 1000;
export const CHUNK = 4096;
export const GENERATION = 3;
export const ROOT_NUMBER = 2;

/** What a key version seals, as id and key in one piece. */
const version = (seed: string): Buffer => Buffer.concat([bytesFrom(`${seed} id`, 8), bytesFrom(`${seed} key`, 32)]);

export interface Keys {
  readonly lineage: Buffer;
  readonly instance: Buffer;
  readonly root: Buffer;
  readonly identitySeed: Buffer;
  readonly nameKey: Buffer;
  readonly categories: { readonly default: Buffer; readonly secrets: Buffer };
  /** Key versions: the primary ones, the former one of the default category, the one of the journal. */
  readonly versions: {
    readonly default: Buffer;
    readonly former: Buffer;
    readonly secrets: Buffer;
    readonly journal: Buffer;
  };
}

export function keysOf({ name }: Base): Keys {
  const bytes = (what: string, length: number): Buffer => bytesFrom(`${name} ${what}`, length);
  return {
    lineage: bytes('lineage', 16),
    instance: bytes('instance', 16),
    root: bytes('root', 32),
    identitySeed: bytes('identity', 32),
    nameKey: bytes('name key', 32),
    categories: { default: bytes('default category', 16), secrets: bytes('category of secrets', 16) },
    versions: {
      default: version(`${name} default`),
      former: version(`${name} former`),
      secrets: version(`${name} secrets`),
      journal: version(`${name} journal`),
    },
  };
}

/** The payloads of blobs: byte i is i modulo 251. */
function pattern(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => index % 251));
}

/** An object of a base. */
export interface Item {
  readonly key: string;
  readonly kind: 'object' | 'tombstone';
  readonly payload: Buffer;
  readonly metadata: string;
  readonly version: number;
  /** The version with which its history begins. */
  readonly origin: number;
  /** Lies in the history, not as the current version. */
  readonly past?: true;
  readonly sealedUnder: 'default' | 'former' | 'secrets';
  /** Where the payload is a blob: how many chunks there are in a part. */
  readonly chunksPerPart?: number;
}

const LONG = 'n'.repeat(150);
const DEEP = Array.from({ length: 12 }, (_, index) => `a folder of some length ${index}`).join('/');
/** Objects that lie under a token that doesn't tell their names. */
export const LONG_KEY = `long/${LONG}/x`;
export const DEEP_KEY = DEEP;

function item(key: string, at: number, more: Partial<Item> = {}): Item {
  const own = MICROSECONDS + at;
  return {
    key,
    kind: 'object',
    payload: Buffer.from(`payload of ${key}`),
    metadata: '',
    version: own,
    origin: own,
    sealedUnder: 'default',
    ...more,
  };
}

export const ITEMS: readonly Item[] = [
  item('db/pw', 1, { payload: Buffer.from('hello'), metadata: '{"owner":"ops"}' }),
  item('db/other', 2),
  item('empty', 3, { payload: Buffer.alloc(0) }),
  item('former', 4, { sealedUnder: 'former' }),
  item('secrets/api', 5, { sealedUnder: 'secrets' }),
  item('ä 😀/ß_-.~', 6),
  item(LONG_KEY, 7),
  item(DEEP_KEY, 8),
  item('deleted', 10, { kind: 'tombstone', origin: MICROSECONDS + 9 }),
  item('purged', 11, { kind: 'tombstone' }),
  item('doc', 22, { origin: MICROSECONDS + 21, payload: Buffer.from('second') }),
  item('doc', 21, { past: true, payload: Buffer.from('first') }),
  item('doc', 20, { past: true, payload: Buffer.from('purged') }),
  item('big', 30, { payload: pattern(3 * CHUNK + 100), chunksPerPart: 2 }),
  item('whole', 31, { payload: pattern(CHUNK), chunksPerPart: 1 }),
  item('tiny', 32, { payload: pattern(1), chunksPerPart: 1 }),
];

/** How an item is called in descriptions of faults. */
export const nameOf = ({ key, past, version: number }: Item): string =>
  past === true ? `${key} (version ${number - MICROSECONDS})` : key;

export const commitOf = (base: Base, thing: Item): Buffer => bytesFrom(`${base.name} commit ${nameOf(thing)}`, 16);

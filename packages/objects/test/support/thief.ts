import { createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { GrantedKeys, Head, ObjectBody, Purpose, RecordHeader } from '@securestore/core-format';
import {
  AREAS,
  copyOf,
  decodeGrants,
  decodeHead,
  encodeObjectBody,
  generationOf,
  HEAD_NAME,
  ID_LENGTH,
  noId,
  PURPOSES,
  SecureStoreError,
  splitRecord,
  systemContext,
} from '@securestore/core-format';
import type { UnlockSecretMethod } from '@securestore/crypto';
import {
  HmacKey,
  deriveBytes,
  loadGranted,
  NameCipher,
  openGrant,
  openRecord,
  openSealed,
  openSystemBody,
  randomPool,
  sealRecord,
} from '@securestore/crypto';

// What a member can do who has the bytes of every backend object, and no use for the store's own code: it uses the
// primitives directly, and checks nothing.

/** All bodies at a backend, by name. */
export type Bodies = ReadonlyMap<string, Buffer>;

/** Every use that a key of the format is derived for. */
const USES = [
  'keyring',
  'category map',
  'policy',
  'members',
  'api tokens',
  'name mac',
  'name encryption',
  'digest whole',
  'digest leaf',
  'digest tree',
  'wrap',
];

/** What somebody knows: raw keys by what they are, and private keys. */
export interface Loot {
  readonly granted: GrantedKeys;
  readonly privateKey: Buffer;
}

export function headOf(bodies: Bodies): Head {
  return decodeHead(bodies.get(HEAD_NAME) ?? Buffer.alloc(0)).head;
}

/** Takes what an identity is granted by the bytes at a backend. */
export async function loot(bodies: Bodies, identity: UnlockSecretMethod): Promise<Loot> {
  const { lineage, instance, references } = headOf(bodies);
  const name = references.grants?.name ?? '';
  const place = { lineage, instance, generation: generationOf(name) ?? 0 };
  const privateKey = await identity.secret();
  const opened = await openGrant(privateKey, decodeGrants(bodies.get(name) ?? Buffer.alloc(0)).grants, place);
  if (opened === undefined) throw new Error('nothing is granted');
  return { privateKey, granted: opened.granted };
}

/** Every 32 bytes that may be a key: those that were granted, the private key, and what the format derives from them. */
function candidates({ granted, privateKey }: Loot): KeyObject[] {
  const versions = granted.groups.flatMap((group) => [group.digestKey, ...group.versions.map(({ key }) => key)]);
  const raw = [privateKey, granted.nameKey, ...versions].map((bytes) => createSecretKey(bytes));
  return raw.flatMap((key) => [key, ...USES.map((use) => createSecretKey(deriveBytes(key, use)))]);
}

function succeeds(open: () => unknown): boolean {
  try {
    open();
    return true;
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    return false;
  }
}

function opensRecord(body: Buffer, keys: readonly KeyObject[]): boolean {
  const record = splitRecord(body);
  const { suite } = record.header;
  return keys.some((secret) =>
    succeeds(() => openRecord(record, { id: record.envelope.keyId, suite, secret: new HmacKey(secret.export()) })),
  );
}

function opensSystemBody(name: string, body: Buffer, head: Head, keys: readonly KeyObject[]): boolean {
  const context = systemContext(head.instance, generationOf(name) ?? 0, name);
  return (Object.keys(PURPOSES) as Purpose[]).some((purpose) =>
    keys.some((secret) =>
      succeeds(() => openSystemBody('it', () => ({ secret }), head.suites, purpose, context, body)),
    ),
  );
}

/** How many sealed boxes open among the slots of the head and in the grants. */
export async function openedBoxes(bodies: Bodies, { privateKey }: Loot): Promise<number> {
  const head = headOf(bodies);
  const slots = head.slots.flatMap((slot) => ('raw' in slot ? [] : [slot.sealedRoot]));
  const grants = [...bodies.values()].filter((body) => body.toString('latin1', 0, 4) === 'SSGR');
  const sealed = grants.flatMap((body) => decodeGrants(body).grants.map((grant) => grant.sealed));
  const opened = await Promise.all([...slots, ...sealed].map((box) => openSealed(privateKey, box)));
  return opened.filter((box) => box !== undefined).length;
}

/**
 * The names of all bodies of which anything opens by any key of the loot, whatever the store says that they are; of grants, the
 * directory in them.
 */
export function openedBy(bodies: Bodies, spoils: Loot): string[] {
  const keys = candidates(spoils);
  const head = headOf(bodies);
  const opens = (name: string, body: Buffer): boolean => {
    const magic = body.toString('latin1', 0, 4);
    if (magic === 'SSRC') return opensRecord(body, keys);
    if (magic === 'SSSY') return opensSystemBody(name, body, head, keys);
    return magic === 'SSGR' && opensSystemBody(name, Buffer.from(decodeGrants(body).directory), head, keys);
  };
  return [...bodies].filter(([name, body]) => opens(name, body)).map(([name]) => name);
}

/** Loading keys wipes them. */
function copies({ nameKey, groups }: GrantedKeys): GrantedKeys {
  const copied = groups.map((group) => ({
    ...group,
    digestKey: copyOf(group.digestKey),
    versions: group.versions.map((version) => ({ ...version, key: copyOf(version.key) })),
  }));
  return { nameKey: copyOf(nameKey), groups: copied };
}

/** The names of all objects, by the name key alone. */
export function namesIn(bodies: Bodies, { granted }: Loot): string[] {
  const { naming, lineage } = headOf(bodies);
  const cipher = new NameCipher(loadGranted(copies(granted)).names, naming, lineage);
  const tokens = [...bodies.keys()].filter((name) => name.startsWith(AREAS.objects));
  const opened = tokens.map((name) => cipher.open(name.slice(AREAS.objects.length)));
  return opened.flatMap((name) => ('hidden' in name ? [] : [name.name])).toSorted();
}

/** What a record is made to say. */
export interface Fake {
  /** The id of the category in the header. */
  readonly category: Uint8Array;
  /** The id of the group whose primary key seals it. */
  readonly under: Uint8Array;
  readonly text?: string;
  readonly header?: Partial<RecordHeader>;
  readonly body?: Partial<ObjectBody>;
}

/** Seals a record for a name with keys of the loot. */
export function fake(
  bodies: Bodies,
  { granted }: Loot,
  key: string,
  { category, under, text = 'forged', header, body: changed }: Fake,
): {
  readonly token: string;
  readonly record: Buffer;
} {
  const head = headOf(bodies);
  const { names } = loadGranted(copies(granted));
  const cipher = new NameCipher(names, head.naming, head.lineage);
  const { token, nameId } = cipher.locate(key as Parameters<NameCipher['locate']>[0]);
  const primary = granted.groups
    .find(({ id }) => Buffer.compare(id, under) === 0)
    ?.versions.find(({ state }) => state === 'primary');
  if (primary === undefined) throw new Error('no such key');
  const version = Date.UTC(2027, 0) * 1000;
  const random = randomPool();
  const fields: RecordHeader = {
    suite: primary.suite,
    kind: 'object',
    lineage: head.lineage,
    nameId,
    categoryId: category,
    version,
    commitId: random(ID_LENGTH),
    previousCommitId: noId(),
    generation: head.generation,
    ...header,
  };
  const data = Buffer.from(text);
  const body = encodeObjectBody({
    name: key,
    created: 1,
    modified: 1,
    expires: 0,
    origin: fields.version,
    length: data.length,
    digest: Buffer.alloc(32, 1),
    metadata: Buffer.alloc(0),
    payload: { kind: 'inline', data },
    ...changed,
  });
  const secret = new HmacKey(primary.key);
  return { token, record: sealRecord({ id: primary.id, suite: primary.suite, secret }, fields, body, random) };
}

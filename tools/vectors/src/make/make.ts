import { createSecretKey } from 'node:crypto';
import { encodeHead, HEAD_NAME } from '../../../../packages/core-format/src/index.ts';
import type { Head } from '../../../../packages/core-format/src/index.ts';
import {
  HmacKey,
  fingerprintBytes,
  identityPrivateKey,
  identityPublicKey,
  loadSuites,
  NameCipher,
  signAs,
} from '../../../../packages/crypto/src/index.ts';
import type { Base, Keys } from './base.ts';
import { GENERATION, ITEMS, keysOf, ROOT_NUMBER, TIME } from './base.ts';
import type { Change } from './bytes.ts';
import { bytesFrom, derive, hmac256, u32, u53 } from './bytes.ts';
import { putItem } from './objects.ts';
import type { Stage, Workplace } from './objects.ts';
import { putCategoryMap, putCheckpoint, putJournal, putKeyring } from './own.ts';
import type { BoundName, SlotKeys, SlotName } from './secrets.ts';
import { isBound, materialOf, parametersOf, publicKeyOf, sealBox, SECRETS, slotKeys, SLOTS } from './secrets.ts';

await loadSuites([1, 2]);

/** One thing that is wrong: at a stage of making a store. */
export interface Fault {
  /** A structure before it is sealed or signed, such as `H of db/pw`, or `at NAME` for what lies at the backend. */
  readonly stage: string;
  readonly change: Change;
}

export interface Made {
  /** What lies at the backend, by name. */
  readonly objects: ReadonlyMap<string, Buffer>;
  /** Every structure on the way, as it was before a fault and after it. */
  readonly stages: ReadonlyMap<string, { readonly before: Buffer; readonly after: Buffer | undefined }>;
}

export function namesOf(base: Base, { nameKey, lineage }: Keys = keysOf(base)): NameCipher {
  const keys = {
    mac: new HmacKey(derive(nameKey, 'name mac')),
    encryption: createSecretKey(derive(nameKey, 'name encryption')),
  };
  return new NameCipher(keys, base.naming, lineage);
}

/** Argon2id is slow, and asked for the same over and over. */
const materials = new Map<string, Buffer>();

const saltOf = (base: Base, name: SlotName): Buffer => bytesFrom(`${base.name} salt of ${name}`, 16);

function material(base: Base, name: BoundName): Buffer {
  const id = `${base.name} ${name}`;
  const known = materials.get(id) ?? materialOf(name, saltOf(base, name));
  materials.set(id, known);
  return known;
}

export const slotIdOf = (base: Base, name: SlotName): Buffer => bytesFrom(`${base.name} id of ${name}`, 16);

function keysOfSlot(base: Base, name: SlotName, lineage: Buffer): Partial<SlotKeys> & Pick<SlotKeys, 'publicKey'> {
  if (name === 'recipient') return { publicKey: publicKeyOf(SECRETS.recipient) };
  const id = slotIdOf(base, name);
  if (name !== 'keyWrapper') return slotKeys(material(base, name), lineage, id);
  return { publicKey: slotKeys(SECRETS.keyWrapper, lineage, id).publicKey };
}

function slot({ base, keys, stage }: Workplace, name: SlotName): Buffer {
  const id = slotIdOf(base, name);
  const { publicKey, bindingKey } = keysOfSlot(base, name, keys.lineage);
  const method = Buffer.from([SLOTS.indexOf(name) + 1]);
  const salt = isBound(name) ? saltOf(base, name) : Buffer.alloc(0);
  const fields = stage(
    `fields of slot ${name}`,
    Buffer.concat([method, id, u53(TIME), publicKey, salt, parametersOf(name, salt)]),
  );
  // By the identity that the holder of the secret knows, whoever made the head.
  const fingerprint = fingerprintBytes(identityPublicKey(identityPrivateKey(keysOf(base).identitySeed)));
  const binding = bindingKey === undefined ? Buffer.alloc(0) : hmac256(bindingKey, fingerprint, fields);
  const box = stage(`box of slot ${name}`, Buffer.concat([keys.lineage, id, u32(ROOT_NUMBER), keys.root]));
  const sealed = sealBox(box, publicKey, bytesFrom(`${base.name} ephemeral of ${name}`, 32));
  return stage(`slot ${name}`, Buffer.concat([fields, binding, sealed]));
}

function putHead(place: Workplace, references: Head['references']): void {
  const { base, keys, stage, put } = place;
  const identity = identityPrivateKey(keys.identitySeed);
  const publicKey = identityPublicKey(identity);
  const encoded = encodeHead({
    lineage: keys.lineage,
    instance: keys.instance,
    parent: { instance: bytesFrom(`${base.name} parent`, 16), generation: 7 },
    generation: GENERATION,
    ancestors: [bytesFrom(`${base.name} head 2`, 32), bytesFrom(`${base.name} head 1`, 32)],
    time: TIME,
    identity: publicKey,
    rootNumber: ROOT_NUMBER,
    state: 'open',
    naming: base.naming,
    suites: base.suites,
    versionFloor: 0,
    history: { versions: 10, days: 30 },
    journal: 'off',
    rotationDays: 90,
    references,
    slots: SLOTS.map((name) => ({ method: { type: 'unknown' }, raw: slot(place, name) })),
  });
  const signed = stage('head before its signature', encoded);
  put(HEAD_NAME, Buffer.concat([signed, stage('signature of the head', signAs(identity, 'head', signed))]));
}

/** Makes a store, with one fault where there is one. */
export function make(base: Base, fault?: Fault): Made {
  const objects = new Map<string, Buffer>();
  const stages = new Map<string, { before: Buffer; after: Buffer | undefined }>();
  const changed = (name: string, before: Buffer): Buffer | undefined => {
    const after = fault?.stage === name ? fault.change(before, objects) : before;
    stages.set(name, { before, after });
    return after;
  };
  const stage: Stage = (name, bytes) => {
    const after = changed(name, bytes);
    if (after === undefined) throw new Error(`${name} can't be left out`);
    return after;
  };
  const own = keysOf(base);
  const made = stage('root key and identity', Buffer.concat([own.root, own.identitySeed]));
  const keys = { ...own, root: made.subarray(0, 32), identitySeed: made.subarray(32) };
  const place = {
    base,
    keys,
    names: namesOf(base, keys),
    stage,
    put: (name: string, body: Buffer) => void objects.set(name, body),
  };
  for (const item of ITEMS) putItem(place, item);
  putJournal(place);
  // A checkpoint is of a store without a fault: what is wrong since shows beside it.
  const healthy = fault === undefined ? objects : make(base).objects;
  const checkpoint = putCheckpoint(place, healthy);
  putHead(place, { keyring: putKeyring(place), categoryMap: putCategoryMap(place), checkpoint });
  const names = [...objects.keys()];
  const [prefix, at] = [fault?.stage.slice(0, 3), fault?.stage.slice(3) ?? ''];
  for (const name of new Set(prefix === 'at ' ? [...names, at] : names)) {
    const after = changed(`at ${name}`, objects.get(name) ?? Buffer.alloc(0));
    if (after === undefined) objects.delete(name);
    else objects.set(name, after);
  }
  if (fault !== undefined && !stages.has(fault.stage)) throw new Error(`there is no stage ${fault.stage}`);
  return { objects, stages };
}

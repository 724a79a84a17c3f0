import { createSecretKey } from 'node:crypto';
import { encodeHead, HEAD_NAME } from '../../../packages/core-format/src/index.ts';
import type { Head } from '../../../packages/core-format/src/index.ts';
import {
  fingerprintBytes,
  identityPrivateKey,
  identityPublicKey,
  loadSuites,
  NameCipher,
  signAs,
} from '../../../packages/crypto/src/index.ts';
import type { Base, Keys } from './base.ts';
import { GENERATION, ITEMS, keysOf, ROOT_NUMBER, TIME } from './base.ts';
import type { Change } from './bytes.ts';
import { bytesFrom, derive, hmac256, u32, u53 } from './bytes.ts';
import { putItem } from './objects.ts';
import type { Stage, Workplace } from './objects.ts';
import { putCategoryMap, putCheckpoint, putJournal, putKeyring } from './own.ts';
import type { SlotName } from './secrets.ts';
import { materialOf, PARAMETERS, sealBox, slotKeys, SLOTS } from './secrets.ts';

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
  const key = (use: string): ReturnType<typeof createSecretKey> => createSecretKey(derive(nameKey, use));
  return new NameCipher({ mac: key('name mac'), encryption: key('name encryption') }, base.naming, lineage);
}

/** Argon2id is slow, and asked for the same over and over. */
const materials = new Map<string, Buffer>();

const saltOf = (base: Base, name: SlotName): Buffer => bytesFrom(`${base.name} salt of ${name}`, 16);

function material(base: Base, name: SlotName): Buffer {
  const id = `${base.name} ${name}`;
  const known = materials.get(id) ?? materialOf(name, saltOf(base, name));
  materials.set(id, known);
  return known;
}

function slot({ base, keys, stage }: Workplace, name: SlotName, identity: Buffer): Buffer {
  const id = bytesFrom(`${base.name} id of ${name}`, 16);
  const { publicKey, bindingKey } = slotKeys(material(base, name), keys.lineage, id);
  const method = Buffer.from([SLOTS.indexOf(name) + 1]);
  const fields = stage(
    `fields of slot ${name}`,
    Buffer.concat([method, id, u53(TIME), publicKey, saltOf(base, name), PARAMETERS[name]]),
  );
  const binding = hmac256(bindingKey, fingerprintBytes(identity), fields);
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
    slots: SLOTS.map((name) => ({ method: { type: 'unknown' }, raw: slot(place, name, publicKey) })),
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
  const keys = keysOf(base);
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

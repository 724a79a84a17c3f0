import { fingerprintOf, identityPrivateKey, identityPublicKey } from '../../../packages/crypto/src/index.ts';
import type { Base } from './make/base.ts';
import { BASES, ITEMS, keysOf, MICROSECONDS } from './make/base.ts';
import { sha256, spliceBetween } from './make/bytes.ts';
import type { Splice } from './make/bytes.ts';
import type { Case } from './make/cases.ts';
import { blobs } from './groups/blobs.ts';
import { heads } from './groups/heads.ts';
import { history } from './groups/history.ts';
import { keyrings } from './groups/keyrings.ts';
import { maps } from './groups/maps.ts';
import { names } from './groups/names.ts';
import { own } from './groups/own.ts';
import { records } from './groups/records.ts';
import { slots } from './groups/slots.ts';
import type { Made } from './make/make.ts';
import { make } from './make/make.ts';
import { ARGON2, materialOf, UNLOCKS } from './make/secrets.ts';

/** What vectors are about, by the name of their file. */
export const GROUPS: Readonly<Record<string, (base: Base) => Case[]>> = {
  records,
  history,
  blobs,
  heads,
  slots,
  keyrings,
  'category-maps': maps,
  names,
  'own-objects': own,
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A base as it is published. */
function publishedBase(base: Base): object {
  const { objects } = make(base);
  const identity = identityPublicKey(identityPrivateKey(keysOf(base).identitySeed));
  return {
    name: base.name,
    description: base.description,
    unlock: UNLOCKS.rawKey,
    fingerprint: fingerprintOf(identity),
    objects: Object.fromEntries(
      [...objects].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, body]) => [name, hex(body)]),
    ),
  };
}

const published = ({ at, remove, insert }: Splice): object => ({ at, remove, insert: hex(insert) });

/** What is different at the backend: one splice for each object. */
function editsBetween(before: Made['objects'], after: Made['objects']): object[] {
  const changed = [...new Set([...before.keys(), ...after.keys()])].toSorted().filter((name) => {
    const [old, now] = [before.get(name), after.get(name)];
    return old === undefined || now === undefined || !old.equals(now);
  });
  return changed.map((object) => {
    const now = after.get(object);
    if (now === undefined) return { object, gone: true };
    return { object, ...published(spliceBetween(before.get(object) ?? Buffer.alloc(0), now)) };
  });
}

function faultOf(fault: Case['fault'], { stages }: Made): object | undefined {
  const found = fault === undefined ? undefined : stages.get(fault.stage);
  if (fault === undefined || found === undefined) return undefined;
  // At the backend it is the edit itself.
  if (fault.stage.startsWith('at ')) return { in: fault.stage };
  const { before, after } = found;
  return { in: fault.stage, ...(after === undefined ? { gone: true } : published(spliceBetween(before, after))) };
}

/** What a reader may have given out, whatever the outcome. */
function releasedBy({ action, expect, released = 0, past }: Case, { stages }: Made): Buffer {
  if (action.do === 'own' && expect === 'ok') {
    return Buffer.from(stages.get(`plaintext of ${action.object}`)?.after ?? Buffer.alloc(0));
  }
  if (action.do !== 'retrieve') return Buffer.alloc(0);
  const wanted = past === undefined ? undefined : MICROSECONDS + past;
  const item = ITEMS.find(
    ({ key, version, past: isPast }) =>
      key === action.key && (wanted === undefined ? isPast !== true : version === wanted),
  );
  return item === undefined ? Buffer.alloc(0) : item.payload.subarray(0, expect === 'ok' ? undefined : released);
}

/**
 * Argon2id as it is computed for the slots of a passphrase, for those who have it not; nothing where its parameters are out
 * of range, since nobody runs it then.
 */
function argon2Of({ unlock }: Case, { stages }: Made): object | undefined {
  if (unlock?.method !== 'passphrase') return undefined;
  const slot = stages.get('slot passphrase')?.after ?? Buffer.alloc(0);
  const salt = slot.subarray(57, 73);
  const [memory, passes, lanes] = [slot.readUInt32BE(73), slot.readUInt8(77), slot.readUInt8(78)];
  if (memory !== ARGON2.memory || passes !== ARGON2.passes || lanes !== ARGON2.parallelism) return undefined;
  return {
    salt: hex(salt),
    memory,
    passes,
    lanes,
    material: hex(materialOf('passphrase', salt, Buffer.from(unlock.text))),
  };
}

function vectorOf(group: string, base: Base, healthy: Made, thing: Case): object {
  const made = thing.fault === undefined ? healthy : make(base, thing.fault);
  const released = releasedBy(thing, made);
  const { name, description, rule, unlock, fingerprint, anchor, action, expect } = thing;
  const listed = action.do === 'list' && expect === 'ok' ? { names: listOf() } : {};
  return {
    name: `${group}/${base.name}/${name}`,
    description,
    rule,
    base: base.name,
    fault: faultOf(thing.fault, made),
    edits: editsBetween(healthy.objects, made.objects),
    unlock,
    argon2: argon2Of(thing, made),
    fingerprint,
    anchor,
    action,
    expect,
    ...listed,
    released: { bytes: released.length, sha256: hex(sha256(released)) },
  };
}

/** In the order of their bytes. */
function listOf(): string[] {
  const live = ITEMS.filter(({ kind, past }) => kind === 'object' && past !== true).map(({ key }) => key);
  return live.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function vectorsOf(group: string): object[] {
  const cases = GROUPS[group];
  if (cases === undefined) throw new Error(`there is no group ${group}`);
  return BASES.flatMap((base) => {
    const healthy = make(base);
    return cases(base).map((thing) => vectorOf(group, base, healthy, thing));
  });
}

const text = (value: object): string => `${JSON.stringify(value, undefined, 1)}\n`;

/** The files of the vectors, by name. */
export function files(): Map<string, string> {
  return new Map([
    ['bases.json', text({ bases: BASES.map(publishedBase) })],
    ...Object.keys(GROUPS).map((group) => [`${group}.json`, text({ vectors: vectorsOf(group) })] as const),
  ]);
}

import type { KeyObject } from 'node:crypto';
import type { Head, Keyring, Reference } from '@securestore/core-format';
import {
  AREAS,
  decodeKeyring,
  encodeCategoryMap,
  encodeKeyring,
  generationOf,
  keyringName,
  policyName,
  sha256,
  systemContext,
} from '@securestore/core-format';
import type { RandomSource } from '@securestore/crypto';
import { keyringKey, loadKeyring, sealSystemBody, wipeKeyring } from '@securestore/crypto';
import type { Engine } from './engine.ts';
import type { HeadEdit } from '../head/head-edit.ts';
import { readMembers } from '../head/unlock/grants.ts';
import type { Sealed } from './seal-grants.ts';
import { sealGrants } from './seal-grants.ts';
import { ownerKeys, rootOf } from '../head/unlock/owner-keys.ts';
import { pagesUnder } from '../util/listing.ts';
import type { StoreState } from '../head/store-state.ts';
import { readKeyring } from '../head/store-state.ts';

const RANDOM_NAME_LENGTH = 16;

/** What becomes of the grants: they stay, are there no more, or are these. */
export type NextGrants = 'same' | 'none' | Sealed;

/**
 * The grants that go with a plan: whatever changes the keys makes them anew, so that members always have the keys of now, and
 * never others.
 */
export async function grantsFor(
  engine: Engine,
  state: StoreState,
  plan: HeadEdit,
  signal: AbortSignal | undefined,
): Promise<NextGrants> {
  if (plan.keyring === undefined && plan.members === undefined) return 'same';
  const members = plan.members ?? (await readMembers(engine.backend, state, signal));
  if (members.length === 0) return 'none';
  if (plan.keyring !== undefined) return sealGrants(engine, state, members, plan.keyring);
  const keyring = await readKeyring(engine.backend, state.head, rootOf(state), signal);
  try {
    return await sealGrants(engine, state, members, keyring);
  } finally {
    wipeKeyring(keyring);
  }
}

type Purpose = 'keyring' | 'policy' | 'categoryMap' | 'destinations';
type SealingKey = Parameters<typeof sealSystemBody>[0];

/** Seals what a head names, for the instance and the generation that it is of. */
export function sealReference(
  purpose: Purpose,
  { instance, generation }: Pick<Head, 'instance' | 'generation'>,
  key: SealingKey,
  plaintext: Uint8Array,
  random: RandomSource,
): Sealed {
  const nameOf = purpose === 'keyring' ? keyringName : policyName;
  const name = nameOf(generation, random(RANDOM_NAME_LENGTH));
  const context = systemContext(instance, generation, name);
  return { name, body: sealSystemBody(key, purpose, context, plaintext, random) };
}

function sealForNext(
  { random }: Engine,
  { head }: StoreState,
  purpose: Purpose,
  key: SealingKey,
  plaintext: Uint8Array,
): Sealed {
  return sealReference(purpose, { ...head, generation: head.generation + 1 }, key, plaintext, random);
}

function sealKeyring(engine: Engine, state: StoreState, keyring: Keyring, root: KeyObject): Sealed {
  const encoded = encodeKeyring(keyring);
  try {
    // A keyring that no reader accepts must never be named by a head.
    loadKeyring(decodeKeyring(encoded));
    const key = { secret: keyringKey(root), suite: state.keys.journal.primary.suite };
    return sealForNext(engine, state, 'keyring', key, encoded);
  } finally {
    encoded.fill(0);
  }
}

/** There is one checkpoint at most: a new one takes the place of a former one too. */
function referencesAfter(before: Head['references'], plan: HeadEdit): Head['references'] {
  const { checkpoint, formerCheckpoint, ...others } = { ...before, ...plan.head?.references };
  if (checkpoint !== undefined && plan.outdatesCheckpoint !== true) return { ...others, checkpoint };
  const former = checkpoint ?? formerCheckpoint;
  return former === undefined ? others : { ...others, formerCheckpoint: former };
}

/** What was written for a change of the head before the head itself. */
export type Written = Readonly<Partial<Record<Purpose | 'grants', Reference>>>;

/** Writes the objects that the next head is to name. */
export async function writeObjects(
  engine: Engine,
  state: StoreState,
  plan: HeadEdit,
  nextGrants: NextGrants,
): Promise<Written> {
  const { backup, categoryMap, journal } = state.keys;
  const { keyring, categories, policy, destinations } = plan;
  const { suite } = journal.primary;
  const written: Partial<Record<keyof Written, Reference>> = {};
  const write = async (kind: keyof Written, { name, body }: Sealed): Promise<void> => {
    await engine.backend.write(name, body, { ifAbsent: true });
    written[kind] = { name, digest: sha256(body) };
  };
  if (keyring !== undefined) {
    await write('keyring', sealKeyring(engine, state, keyring, plan.root ?? rootOf(state)));
  }
  if (categories !== undefined) {
    const map = encodeCategoryMap(categories);
    await write('categoryMap', sealForNext(engine, state, 'categoryMap', { secret: categoryMap, suite }, map));
  }
  if (policy !== undefined) {
    const secret = ownerKeys(state).policy;
    await write('policy', sealForNext(engine, state, 'policy', { secret, suite }, policy));
  }
  if (typeof nextGrants !== 'string') await write('grants', nextGrants);
  if (destinations !== undefined && backup !== undefined) {
    await write('destinations', sealForNext(engine, state, 'destinations', backup.primary, destinations));
  }
  return written;
}

/** What the next head names, once that was written. */
export function nextReferences(
  { head }: StoreState,
  plan: HeadEdit,
  nextGrants: NextGrants,
  written: Written,
): Head['references'] {
  const { grants: before, ...others } = referencesAfter(head.references, plan);
  const references = nextGrants === 'same' && before !== undefined ? { ...others, grants: before } : others;
  return { ...references, ...written };
}

/** Removes what a head was to name that was not written. What can't be deleted now is left to the collection. */
export async function discardObjects({ backend }: Engine, written: Written): Promise<void> {
  for (const { name } of Object.values(written)) await backend.delete(name).catch(() => undefined);
}

/**
 * Removes the keyrings and grants that no head names any more, also those of changes that stopped half-way, and with the
 * grants what lies under `p/` beside them. What is of a generation to come may be named by a head that is just being written.
 */
export async function removeOldKeys({ backend, monitor }: Engine, signal?: AbortSignal): Promise<void> {
  const { generation, references } = monitor.state.head;
  const named = new Set(Object.values(references).map(({ name }) => name));
  for (const area of [AREAS.keyrings, AREAS.policies]) {
    for await (const names of pagesUnder(backend, area, signal)) {
      for (const name of names) {
        const written = generationOf(name);
        if (written === undefined || written > generation || named.has(name)) continue;
        await backend.delete(name, { signal });
      }
    }
  }
}

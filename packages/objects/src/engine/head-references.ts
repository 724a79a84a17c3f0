import { createHash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Head, Reference } from '@securestore/core-format';
import {
  AREAS,
  decodeKeyring,
  encodeCategoryMap,
  encodeKeyring,
  generationOf,
  keyringName,
  policyName,
  systemContext,
} from '@securestore/core-format';
import { keyringKey, loadKeyring, sealSystemBody, wipeKeyring } from '@securestore/crypto';
import type { Engine } from './engine.ts';
import type { HeadPlan } from '../head/head-edit.ts';
import { readMembers } from '../head/grants.ts';
import type { Sealed } from './seal-grants.ts';
import { sealGrants } from './seal-grants.ts';
import { ownerKeys, rootOf } from '../head/owner-keys.ts';
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
  plan: HeadPlan,
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

const NAMES = { keyring: keyringName, policy: policyName, categoryMap: policyName } as const;

function sealForNext(
  engine: Engine,
  { head, keys }: StoreState,
  purpose: keyof typeof NAMES,
  secret: KeyObject,
  plaintext: Uint8Array,
): Sealed {
  const generation = head.generation + 1;
  const name = NAMES[purpose](generation, engine.random(RANDOM_NAME_LENGTH));
  const key = { secret, suite: keys.journal.primary.suite };
  const context = systemContext(head.instance, generation, name);
  return { name, body: sealSystemBody(key, purpose, context, plaintext, engine.random) };
}

async function writeSealed({ backend }: Engine, { name, body }: Sealed): Promise<Reference> {
  await backend.write(name, body, { ifAbsent: true });
  return { name, digest: createHash('sha256').update(body).digest() };
}

async function writeKeyring(engine: Engine, state: StoreState, plan: HeadPlan): Promise<Reference | undefined> {
  const { keyring } = plan;
  if (keyring === undefined) return undefined;
  const encoded = encodeKeyring(keyring);
  let sealed: Sealed;
  try {
    // A keyring that no reader accepts must never be named by a head.
    loadKeyring(decodeKeyring(encoded));
    sealed = sealForNext(engine, state, 'keyring', keyringKey(plan.root ?? rootOf(state)), encoded);
  } finally {
    encoded.fill(0);
  }
  return writeSealed(engine, sealed);
}

async function writePolicy(engine: Engine, state: StoreState, { policy }: HeadPlan): Promise<Reference | undefined> {
  if (policy === undefined) return undefined;
  return writeSealed(engine, sealForNext(engine, state, 'policy', ownerKeys(state).policy, policy));
}

async function writeCategoryMap(
  engine: Engine,
  state: StoreState,
  { categories }: HeadPlan,
): Promise<Reference | undefined> {
  if (categories === undefined) return undefined;
  return writeSealed(
    engine,
    sealForNext(engine, state, 'categoryMap', state.keys.categoryMap, encodeCategoryMap(categories)),
  );
}

async function writeDestinations(
  engine: Engine,
  state: StoreState,
  { destinations }: HeadPlan,
): Promise<Reference | undefined> {
  const { backup } = state.keys;
  if (destinations === undefined || backup === undefined) return undefined;
  const generation = state.head.generation + 1;
  const name = policyName(generation, engine.random(RANDOM_NAME_LENGTH));
  const context = systemContext(state.head.instance, generation, name);
  return writeSealed(engine, {
    name,
    body: sealSystemBody(backup.primary, 'destinations', context, destinations, engine.random),
  });
}

/** There is one checkpoint at most: a new one takes the place of a former one too. */
function referencesAfter(before: Head['references'], plan: HeadPlan): Head['references'] {
  const { checkpoint, formerCheckpoint, ...others } = { ...before, ...plan.head?.references };
  if (checkpoint !== undefined && plan.outdatesCheckpoint !== true) return { ...others, checkpoint };
  const former = checkpoint ?? formerCheckpoint;
  return former === undefined ? others : { ...others, formerCheckpoint: former };
}

/** What was written for a change of the head before the head itself. */
export type Written = Readonly<
  Partial<Record<'keyring' | 'categoryMap' | 'policy' | 'grants' | 'destinations', Reference>>
>;

/** Writes the objects that the next head is to name. */
export async function writeObjects(
  engine: Engine,
  state: StoreState,
  plan: HeadPlan,
  nextGrants: NextGrants,
): Promise<Written> {
  const keyring = await writeKeyring(engine, state, plan);
  const categoryMap = await writeCategoryMap(engine, state, plan);
  const policy = await writePolicy(engine, state, plan);
  const grants = typeof nextGrants === 'string' ? undefined : await writeSealed(engine, nextGrants);
  const destinations = await writeDestinations(engine, state, plan);
  return {
    ...(keyring && { keyring }),
    ...(categoryMap && { categoryMap }),
    ...(policy && { policy }),
    ...(grants && { grants }),
    ...(destinations && { destinations }),
  };
}

/** What the next head names, once that was written. */
export function nextReferences(
  { head }: StoreState,
  plan: HeadPlan,
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
export async function removeOldKeys({ backend, watcher }: Engine, signal?: AbortSignal): Promise<void> {
  const { generation, references } = watcher.state.head;
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

import { createHash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Head, Keyring, Member, Reference } from '@securestore/core-format';
import {
  AREAS,
  decodeKeyring,
  encodeKeyring,
  generationOf,
  HEAD_NAME,
  keyringName,
  policyName,
  SecureStoreError,
  systemContext,
} from '@securestore/core-format';
import type { UnlockedSlot } from '@securestore/crypto';
import { keyringKey, loadKeyring, sealSystemBody, wipeKeyring } from '@securestore/crypto';
import { ancestorsAfter, followsFrom, headDigest } from './ancestry.ts';
import { withEnds } from './audit-ends.ts';
import type { MemberEvent } from './crypto-events.ts';
import type { Engine } from './engine.ts';
import type { Instant } from '@securestore/jobs';
import { instant } from '@securestore/jobs';
import { keyChanges } from './key-changes.ts';
import { readMembers } from './members/grants.ts';
import type { Sealed } from './members/reseal.ts';
import { sealGrants } from './members/reseal.ts';
import { ownerKeys, rootOf } from './owner.ts';
import type { StoreState } from './state.ts';
import { pagesUnder } from './pages.ts';
import { signedHead } from './signed-head.ts';
import { readHead, readKeyring } from './state.ts';

const RANDOM_NAME_LENGTH = 16;
const MAX_TRIES = 20;

/** What a change of the head makes of the one before. */
export interface HeadPlan {
  readonly head?: Partial<
    Pick<
      Head,
      | 'slots'
      | 'journal'
      | 'rotationDays'
      | 'history'
      | 'versionFloor'
      | 'rootNumber'
      | 'state'
      | 'rotation'
      | 'references'
      | 'audit'
      | 'migration'
    >
  >;
  /** Whether the checkpoint is a former one from now on, since digests are about to change without versions. */
  readonly outdatesCheckpoint?: boolean;
  /** Who may do what from now on. */
  readonly policy?: Uint8Array;
  /** Where the store is backed up from now on. */
  readonly destinations?: Uint8Array;
  /** The members from now on, in ascending order of their public keys. */
  readonly members?: readonly Member[];
  /** What is told of the change of members. */
  readonly memberEvent?: MemberEvent;
  /** New keys, which are wiped, whether they are written or not. */
  readonly keyring?: Keyring;
  /** The root key that seals them; by default the one that the store has. */
  readonly root?: KeyObject;
  /** The slot by which this process opens the store from now on, where it is another. Wiped where the change is not made. */
  readonly unlocked?: UnlockedSlot;
}

const NAMES = { keyring: keyringName, policy: policyName } as const;

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

/** Nobody needs it any more, or ever did: what can't be deleted now is left to the collection. */
async function discard(engine: Engine, name: string): Promise<void> {
  await engine.backend.delete(name).catch(() => undefined);
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

/** What became of the write of a head: it stands under this etag, was followed by another one, or never took effect. */
type Outcome = { readonly etag: string } | 'followed' | 'lost';

async function replaceHead(engine: Engine, head: Head, body: Buffer, etag: string): Promise<Outcome> {
  let doubtful = false;
  for (let tries = 1; ; tries++) {
    try {
      return await engine.backend.write(HEAD_NAME, body, { ifMatch: etag });
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
      const conflict = error.code === 'CONFLICT';
      if (!conflict && error.outcome !== 'unknown') throw error;
      // What lies there decides: no two heads are the same. One that may still land is sent again, which it can stand.
      doubtful ||= !conflict;
      const found = await readHead(engine.backend);
      if (found === undefined || found.etag !== etag) {
        if (found !== undefined && followsFrom(found.head, head.generation, headDigest(head))) {
          // Beyond what heads tell of those before them it is not known, and so nothing may be taken back.
          return found.head.generation === head.generation ? { etag: found.etag } : doubtful ? 'followed' : 'lost';
        }
        return 'lost';
      }
      if (conflict || tries === MAX_TRIES) throw error;
    }
  }
}

/** There is one checkpoint at most: a new one takes the place of a former one too. */
function referencesAfter(before: Head['references'], plan: HeadPlan): Head['references'] {
  const { checkpoint, formerCheckpoint, ...others } = { ...before, ...plan.head?.references };
  if (checkpoint !== undefined && plan.outdatesCheckpoint !== true) return { ...others, checkpoint };
  const former = checkpoint ?? formerCheckpoint;
  return former === undefined ? others : { ...others, formerCheckpoint: former };
}

/** What becomes of the grants: they stay, are there no more, or are these. */
type NextGrants = 'same' | 'none' | Sealed;

/**
 * The grants that go with a plan: whatever changes the keys makes them anew, so that members always have the keys of now, and
 * never others.
 */
async function grantsFor(
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

interface Attempt {
  readonly state: StoreState;
  readonly etag: string;
  readonly plan: HeadPlan;
  readonly nextGrants: NextGrants;
  readonly begun: Instant;
}

/** What was written for a change of the head before the head itself. */
type Written = Readonly<Partial<Record<'keyring' | 'policy' | 'grants' | 'destinations', Reference>>>;

/** Writes what `plan` says. */
async function writePlanned(
  engine: Engine,
  { state, etag, plan, nextGrants }: Attempt,
): Promise<{ readonly head: Head; readonly outcome: Outcome; readonly written: Written }> {
  const keyring = await writeKeyring(engine, state, plan);
  const policy = await writePolicy(engine, state, plan);
  const grants = typeof nextGrants === 'string' ? undefined : await writeSealed(engine, nextGrants);
  const destinations = await writeDestinations(engine, state, plan);
  const written = {
    ...(keyring && { keyring }),
    ...(policy && { policy }),
    ...(grants && { grants }),
    ...(destinations && { destinations }),
  };
  const { grants: before, ...others } = referencesAfter(state.head.references, plan);
  const references = nextGrants === 'same' && before !== undefined ? { ...others, grants: before } : others;
  const { audit, ...settings } = { ...state.head, ...plan.head };
  const head: Head = {
    ...settings,
    ...(audit && { audit: { ...audit, ends: withEnds(audit.ends, engine.audit.end?.()) } }),
    generation: state.head.generation + 1,
    ancestors: ancestorsAfter(state.head),
    time: engine.clock.now(),
    references: { ...references, ...written },
  };
  const outcome = await replaceHead(engine, head, signedHead(head, ownerKeys(state).identity), etag);
  return { head, outcome, written };
}

/** @returns whether the change was made; `false` where another one came first */
async function tryChange(engine: Engine, attempt: Attempt): Promise<boolean> {
  const { state, plan, begun } = attempt;
  const { events } = state;
  const changes = events === undefined ? [] : keyChanges(events, { before: state, ...plan });
  engine.watcher.prepare(plan.unlocked);
  const { head, outcome, written } = await writePlanned(engine, attempt).catch((error: unknown) => {
    engine.watcher.withdraw(plan.unlocked);
    events?.changed(changes, error);
    throw error;
  });
  if (outcome === 'lost') {
    engine.watcher.withdraw(plan.unlocked);
    for (const { name } of Object.values(written)) await discard(engine, name);
    return false;
  }
  events?.changed(changes);
  if (outcome === 'followed') await engine.watcher.adoptFollowed(plan.unlocked);
  else await engine.watcher.adopt(head, outcome.etag, begun, plan.unlocked);
  const isReplaced = plan.keyring !== undefined || plan.members !== undefined || plan.destinations !== undefined;
  if (isReplaced) await removeOldKeys(engine).catch(() => undefined);
  return true;
}

/** How the head is changed. */
export interface HeadChangeOptions {
  /** Throws where the store may not be changed now; by default where it is not open. */
  readonly checkMayChange?: () => void;
  /**
   * Whether the head is likely to be as it was read last, so that it is not read anew before: the write tells whether it is, and where it
   * is not, `plan` is asked again.
   */
  readonly isKnown?: boolean;
}

/**
 * Changes the head: new immutable objects first, then one conditional write of the head, which is the commit.
 *
 * @param plan what to make of the state as it is; asked anew when another change comes first. `undefined` where there is
 *   nothing to do
 * @returns whether anything was changed
 * @throws SecureStoreError `CONFLICT` where other changes come first again and again; `ACCESS_DENIED` where the store was opened
 *   by a member; and what `plan` throws
 */
export async function changeHead(
  engine: Engine,
  plan: (state: StoreState) => Promise<HeadPlan | undefined>,
  signal?: AbortSignal,
  { checkMayChange = () => engine.watcher.checkWritable(), isKnown = false }: HeadChangeOptions = {},
): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const begun = instant(engine.clock);
    const etag = isKnown && tries === 0 ? engine.watcher.etag : await engine.watcher.refresh(signal);
    checkMayChange();
    const { state } = engine.watcher;
    let planned: HeadPlan | undefined;
    let attempted = false;
    try {
      planned = await plan(state);
      if (planned === undefined) return false;
      ownerKeys(state);
      const nextGrants = await grantsFor(engine, state, planned, signal);
      signal?.throwIfAborted();
      attempted = true;
      if (await tryChange(engine, { state, etag, plan: planned, nextGrants, begun })) return true;
    } catch (error) {
      if (attempted) throw error;
      planned?.unlocked?.wipe();
      // What it needs of the head may have been removed, since another change came first.
      if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
      await engine.watcher.refresh(signal);
      if (engine.watcher.state === state) throw error;
    } finally {
      if (planned?.keyring !== undefined) wipeKeyring(planned.keyring);
    }
  }
  throw new SecureStoreError('CONFLICT', 'the head of the store is changed by others again and again; try later', {
    retryable: true,
  });
}

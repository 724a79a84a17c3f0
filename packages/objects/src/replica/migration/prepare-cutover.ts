import type { KeyObject } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import type { AuditLink, Head, Keyring } from '@securestore/core-format';
import { compareAuditLinks, decodeKeyring, encodeKeyring, KEY_LENGTH, MAX_AUDIT_LINKS } from '@securestore/core-format';
import { loadKeyring, takeKey, wipeKeyring } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import { instant } from '@securestore/jobs';
import { ancestorsAfter, pastInstancesAfter } from '../../head/ancestry.ts';
import { mergeEnds } from '../../head/trust/audit-segment-ends.ts';
import { copyCheckpoint } from '../../checkpoint/make.ts';
import type { NamedCheckpoint } from '../../checkpoint/load.ts';
import { checkpointOf } from '../../checkpoint/load.ts';
import { writeFoundedReferences } from '../copy/write-references.ts';
import { engineOf } from '../../engine/create-engine.ts';
import type { Engine } from '../../engine/engine.ts';
import { registerConsumer } from '../../journal/open-consumer.ts';
import { rootOf } from '../../head/unlock/owner-keys.ts';
import { resealSlots, withNewPrimaries } from '../../engine/new-keys.ts';
import type { ReadHead, StoreState } from '../../head/store-state.ts';
import { loadState, readKeyring } from '../../head/store-state.ts';
import { sealStoreUrl } from '../../head/move/sealed-location.ts';

/** Between which places a store moves. Store URLs are without credentials. */
export interface LandingPlaces {
  readonly target: StorageBackend;
  readonly url: string;
  /** Where it is. */
  readonly source: string;
}

/** What a store is to be where it lands. */
export interface LandingSettings extends LandingPlaces {
  /** Decided when it began to move. */
  readonly instance: Uint8Array;
  /** What lies there and is to be replaced. */
  readonly replaces: ReadHead | undefined;
  /** Under which what changes from then on is read, for the way back. */
  readonly consumer: string;
  /** How far the audit log went by what is remembered of the place that the store leaves: there it can't be asked again. */
  readonly remembered: () => Promise<readonly AuditLink[]>;
}

/** What is ready of a landing before the store closes. */
export interface PreparedLanding {
  /** The head that is to be written, but for what is known last. */
  readonly head: Head;
  /** The generation of the head that closes the store: what is prepared is for no other. */
  readonly closing: number;
  readonly engine: Engine;
  /** The ends of the audit log that are known, if the head knows these. */
  readonly ends: (known: readonly AuditLink[]) => AuditLink[];
  readonly checkpoint: CopiedCheckpoint;
}

/** A checkpoint of the store, and as it is where the store lands. */
interface CopiedCheckpoint {
  readonly of: NamedCheckpoint | undefined;
  readonly as: NamedCheckpoint | undefined;
}

/** From where a landing begins. */
interface Beginning {
  readonly state: StoreState;
  /** The head that closes the store. */
  readonly before: Head;
  /** What lies where it lands, and is to be replaced. */
  readonly replaces: ReadHead | undefined;
}

/** A clock that stands still, for what is written where no head is yet that could be confirmed. */
function standing(clock: Clock): Clock {
  const { now, uptime } = instant(clock);
  return { now: () => now, uptime: () => uptime, sleep: (time, signal, options) => clock.sleep(time, signal, options) };
}

/**
 * The keys of a store that has moved: new primary versions; those before go on opening, as everything still lies under them. They are as
 * old as those, so that the next rotation by age comes when it would have come.
 */
function movedKeyring(before: Keyring, { clock, random }: Engine): Keyring {
  const next = withNewPrimaries(before, clock.now(), random);
  const groups = next.groups.map((group, at) => {
    const replaced = before.groups[at]?.versions.find(({ state }) => state === 'primary');
    if (replaced === undefined) return group;
    const versions = group.versions.map((version) =>
      version.state === 'primary' ? { ...version, created: replaced.created } : version,
    );
    return { ...group, versions };
  });
  return { ...next, rootNumber: before.rootNumber + 1, groups };
}

/** The head of the store where it lands, but for what is known last. */
async function headAfter(
  { clock, random }: Engine,
  { instance, source }: LandingSettings,
  { state: { keys }, before, replaces }: Beginning,
  references: Head['references'],
  root: KeyObject,
): Promise<Head> {
  const replaced = replaces?.head.state === 'moved' ? replaces.head : before;
  const { audit, rotation: _, migration: __, instances: ___, ...settings } = before;
  const sealed = sealStoreUrl({ head: { instance }, keys }, source, random);
  const slots = await resealSlots(before.slots, before.lineage, { number: before.rootNumber + 1, key: root });
  return {
    ...settings,
    ...(audit && {
      audit,
      instances: pastInstancesAfter(before),
    }),
    instance,
    // Of two places that it goes back to, the one that is remembered where it comes to.
    parent: { instance: replaced.instance, generation: replaced.generation },
    generation: before.generation + 1,
    ancestors: ancestorsAfter(before),
    time: clock.now(),
    rootNumber: before.rootNumber + 1,
    // Nobody works with it before it has left where it is.
    state: 'closing',
    migration: { instance: before.instance, stage: 'copying', resealed: false, location: sealed },
    // It is kept for the way back.
    journal: 'on',
    slots,
    references,
  };
}

/** The engine of the store as it will be there. */
async function engineThere(
  source: Engine,
  { target, url }: LandingSettings,
  head: Head,
  root: KeyObject,
  signal: AbortSignal | undefined,
): Promise<Engine> {
  const { random, monitor } = source;
  const clock = standing(source.clock);
  const unlocked = { ...monitor.state.unlocked, root, wipe: () => undefined };
  const begun = instant(clock);
  const state = await loadState(target, head, unlocked, {}, signal);
  const read = { head, signedBytes: Buffer.alloc(0), signature: Buffer.alloc(0), etag: '', now: undefined };
  const engine = engineOf({ backend: target, url, random }, clock, { begun, read, state });
  engine.monitor.migrates = true;
  return engine;
}

/** Copies the checkpoint that the store has now. */
export async function copiedCheckpoint(
  source: Engine,
  there: Engine,
  signal: AbortSignal | undefined,
): Promise<CopiedCheckpoint> {
  const of = checkpointOf(source.monitor.state.head);
  return { of, as: await copyCheckpoint(source, there, signal) };
}

/**
 * Writes what the head will name where a store lands, and makes that head.
 *
 * @throws SecureStoreError what the backends throw
 */
export async function prepareLanding(
  source: Engine,
  settings: LandingSettings,
  { state, before, replaces }: Beginning,
  signal: AbortSignal | undefined,
): Promise<PreparedLanding> {
  const { random, backend } = source;
  const { target, instance, consumer } = settings;
  const root = takeKey(random(KEY_LENGTH));
  const old = await readKeyring(backend, before, rootOf(state), signal);
  const keyring = movedKeyring(old, source);
  try {
    const encoded = encodeKeyring(keyring);
    // Loading wipes what it is given.
    const keys = loadKeyring(decodeKeyring(encoded));
    encoded.fill(0);
    const founding = { state, before, source: backend, target, instance, keyring, keys, root, random };
    const references = await writeFoundedReferences(founding, signal);
    const head = await headAfter(source, settings, { state, before, replaces }, references, root);
    const engine = await engineThere(source, settings, head, root, signal);
    const checkpoint = await copiedCheckpoint(source, engine, signal);
    await registerConsumer(engine, consumer, signal);
    const remembered = await settings.remembered();
    const ends = (known: readonly AuditLink[]): AuditLink[] =>
      mergeEnds(remembered, known)
        .slice(0, MAX_AUDIT_LINKS)
        .toSorted(compareAuditLinks)
        .filter((link, at, all) => at === 0 || compareAuditLinks(all[at - 1] ?? link, link) < 0);
    return { head, closing: before.generation, engine, ends, checkpoint };
  } finally {
    wipeKeyring(old);
    wipeKeyring(keyring);
  }
}

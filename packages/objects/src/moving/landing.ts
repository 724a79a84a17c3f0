import { createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import type { AuditLink, Head, Keyring } from '@securestore/core-format';
import {
  compareAuditLinks,
  copySecret,
  decodeKeyring,
  encodeKeyring,
  HEAD_NAME,
  KEY_LENGTH,
  MAX_AUDIT_LINKS,
  MAX_PAST_INSTANCES,
  SecureStoreError,
  workPrefix,
} from '@securestore/core-format';
import { loadKeyring, wipeKeyring } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import { instant } from '@securestore/jobs';
import { ancestorsAfter, isInstance } from '../ancestry.ts';
import { mergeEnds } from '../audit-ends.ts';
import { copyCheckpoint } from '../checkpoint/make.ts';
import type { NamedCheckpoint } from '../checkpoint/sealed.ts';
import { checkpointOf, sameCheckpoint } from '../checkpoint/sealed.ts';
import { writeFoundedReferences } from '../copy/founded-references.ts';
import { MIGRATION_NAME } from '../copy/begun.ts';
import type { Engine } from '../engine.ts';
import { removeOldKeys } from '../head-objects.ts';
import { registerConsumer } from '../journal/open-consumer.ts';
import { engineOf } from '../engine-of.ts';
import { ownerKeys, rootOf } from '../owner.ts';
import { pagesUnder } from '../pages.ts';
import { resealSlots, withNewPrimaries } from '../rekey/new-keys.ts';
import { signedHead } from '../signed-head.ts';
import type { ReadHead, StoreState } from '../state.ts';
import { loadState, readHead, readKeyring } from '../state.ts';
import { lookAtSystemObject, sealJournalBody } from '../system-objects.ts';
import type { LandedHead } from './landed.ts';
import { sealLocation } from './location.ts';

/** What is remembered of backups, schedules, health and collections, which goes on where the store goes. */
const KEPT = [workPrefix('backup'), workPrefix('collected')];

/** Between which places a store moves. Locations are without credentials. */
export interface LandingPlaces {
  readonly target: StorageBackend;
  readonly location: string;
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

interface Prepared {
  /** The head that is to be written, but for what is known last. */
  readonly head: Head;
  /** The generation of the head that closes the store: what is prepared is for no other. */
  readonly closing: number;
  readonly engine: Engine;
  /** The ends of the audit log that are known, where the head knows these. */
  readonly ends: (known: readonly AuditLink[]) => AuditLink[];
  readonly checkpoint: { readonly of: NamedCheckpoint | undefined; readonly as: NamedCheckpoint | undefined };
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

function withCheckpoint(references: Head['references'], named: NamedCheckpoint | undefined): Head['references'] {
  if (named === undefined) return references;
  return { ...references, [named.former ? 'formerCheckpoint' : 'checkpoint']: named.reference };
}

/** Makes the head of a store where it moves to. As much as possible of it before the store closes. */
export class Landing {
  readonly #engine: Engine;
  readonly #settings: LandingSettings;
  #replaces: ReadHead | undefined;
  #prepared: Prepared | undefined;

  constructor(engine: Engine, settings: LandingSettings) {
    this.#engine = engine;
    this.#settings = settings;
    this.#replaces = settings.replaces;
  }

  /**
   * Writes what the head will name, for the case that closing is the next change of the head.
   *
   * @throws SecureStoreError what the backends throw
   */
  async prepare(signal?: AbortSignal): Promise<void> {
    const { watcher } = this.#engine;
    for (;;) {
      const { state } = watcher;
      try {
        const closed = { ...state.head, generation: state.head.generation + 1 };
        this.#prepared = await this.#prepareAfter(state, closed, signal);
        return;
      } catch (error) {
        // What the head names may have been removed, since somebody else has changed it.
        if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
        await watcher.refresh(signal);
        if (watcher.state === state) throw error;
      }
    }
  }

  async #prepareAfter(state: StoreState, before: Head, signal: AbortSignal | undefined): Promise<Prepared> {
    const { clock, random, backend } = this.#engine;
    const { target, location, instance, consumer } = this.#settings;
    const root = copySecret(random(KEY_LENGTH));
    const rootKey = createSecretKey(root);
    root.fill(0);
    const old = await readKeyring(backend, before, rootOf(state), signal);
    const keyring = movedKeyring(old, this.#engine);
    try {
      const encoded = encodeKeyring(keyring);
      // Loading wipes what it is given.
      const keys = loadKeyring(decodeKeyring(encoded));
      encoded.fill(0);
      const founding = { state, before, source: backend, target, instance, keyring, keys, root: rootKey, random };
      const references = await writeFoundedReferences(founding, signal);
      const head = await this.#headAfter({ ...state, head: before }, references, rootKey);
      const engine = await this.#engineOf(head, rootKey, location, standing(clock), signal);
      const checkpoint = await this.#checkpoint(engine, signal);
      await registerConsumer(engine, consumer, signal);
      const remembered = await this.#settings.remembered();
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

  async #checkpoint(engine: Engine, signal: AbortSignal | undefined): Promise<Prepared['checkpoint']> {
    const of = checkpointOf(this.#engine.watcher.state.head);
    return { of, as: await copyCheckpoint(this.#engine, engine, signal) };
  }

  async #headAfter({ head: before, keys }: StoreState, references: Head['references'], root: KeyObject): Promise<Head> {
    const { instance, source } = this.#settings;
    const replaced = this.#replaces?.head.state === 'moved' ? this.#replaces.head : before;
    const { audit, rotation: _, migration: __, instances: ___, ...settings } = before;
    const location = sealLocation({ head: { instance }, keys }, source, this.#engine.random);
    const slots = await resealSlots(before.slots, before.lineage, { number: before.rootNumber + 1, key: root });
    return {
      ...settings,
      ...(audit && {
        audit,
        instances: [before.instance, ...(before.instances ?? [])].slice(0, MAX_PAST_INSTANCES),
      }),
      instance,
      // Of two places that it goes back to, the one that is remembered where it comes to.
      parent: { instance: replaced.instance, generation: replaced.generation },
      generation: before.generation + 1,
      ancestors: ancestorsAfter(before),
      time: this.#engine.clock.now(),
      rootNumber: before.rootNumber + 1,
      // Nobody works with it before it has left where it is.
      state: 'closing',
      migration: { instance: before.instance, stage: 'copying', resealed: false, location },
      // It is kept for the way back.
      journal: 'on',
      slots,
      references,
    };
  }

  /** The engine of the store as it will be there. */
  async #engineOf(
    head: Head,
    root: KeyObject,
    location: string,
    clock: Clock,
    signal: AbortSignal | undefined,
  ): Promise<Engine> {
    const { target } = this.#settings;
    const { random, watcher } = this.#engine;
    const unlocked = { ...watcher.state.unlocked, root, wipe: () => undefined };
    const begun = instant(clock);
    const state = await loadState(target, head, unlocked, {}, signal);
    const read = { head, signedBytes: Buffer.alloc(0), signature: Buffer.alloc(0), etag: '', now: undefined };
    const engine = engineOf({ backend: target, location, random }, clock, { begun, read, state });
    engine.watcher.migrates = true;
    return engine;
  }

  /** Seals anew what the store remembers of its backups and its health. */
  async #bringKept({ engine }: Prepared, closed: Head, signal: AbortSignal | undefined): Promise<void> {
    const { backend } = this.#engine;
    for (const prefix of KEPT) {
      for await (const names of pagesUnder(backend, prefix, signal)) {
        if (names.length > 0) await this.#checkClosed(closed, signal);
        for (const name of names) {
          const found = await lookAtSystemObject(this.#engine, 'job', name, signal);
          // What nobody can read anyway stays behind.
          if (found === undefined || 'error' in found) continue;
          const body = await sealJournalBody(engine, 'job', name, found.plaintext);
          await engine.backend.write(name, body, { signal });
        }
      }
    }
  }

  async #preparedFor(closed: Head, signal: AbortSignal | undefined): Promise<Prepared> {
    const prepared = this.#prepared;
    if (prepared !== undefined && isFor(prepared, closed)) return prepared;
    return (this.#prepared = await this.#prepareAfter(this.#engine.watcher.state, closed, signal));
  }

  /**
   * Brings along what the store remembers, once it has been closed.
   *
   * @param closed its head
   * @throws SecureStoreError what the backends throw
   */
  async bring(closed: Head, signal?: AbortSignal): Promise<void> {
    await this.#bringKept(await this.#preparedFor(closed, signal), closed, signal);
  }

  /**
   * Writes the head, for the store that has been closed and of which everything is there.
   *
   * @param closed its head
   * @returns what it has written, where the backend tells of that
   * @throws SecureStoreError `ALREADY_EXISTS` where another store has come in between; what the backends throw
   */
  async land(closed: Head, signal?: AbortSignal): Promise<LandedHead | undefined> {
    const { state } = this.#engine.watcher;
    const prepared = await this.#preparedFor(closed, signal);
    const isSame = sameCheckpoint(prepared.checkpoint.of, checkpointOf(closed));
    const { as } = isSame ? prepared.checkpoint : await this.#checkpoint(prepared.engine, signal);
    const head: Head = {
      ...prepared.head,
      ...(closed.audit && { audit: { ...closed.audit, ends: prepared.ends(closed.audit.ends) } }),
      ancestors: ancestorsAfter(closed),
      time: this.#engine.clock.now(),
      references: withCheckpoint(prepared.head.references, as),
    };
    const body = signedHead(head, ownerKeys(state).identity);
    const etag = await this.#writeHead(body, closed, signal);
    return etag === undefined ? undefined : { head, etag };
  }

  /**
   * Once the store is there: removes what said that the place is taken, and what an instance or an attempt has left there that was before, keys
   * and grants, which whoever has them is not to find.
   */
  async tidy(signal?: AbortSignal): Promise<void> {
    await this.#settings.target.delete(MIGRATION_NAME, { signal });
    if (this.#prepared !== undefined) await removeOldKeys(this.#prepared.engine, signal);
  }

  /** What has landed there may be the store by now, where whoever moves it has slept: it is none as long as this head closes it here. */
  async #checkClosed({ generation }: Head, signal: AbortSignal | undefined): Promise<void> {
    const here = await readHead(this.#engine.backend, signal);
    if (here?.head.state === 'closing' && here.head.generation === generation) return;
    const message = 'the store was opened again, or moved by others, while this run of the move slept; try again';
    throw new SecureStoreError('CONFLICT', message, { retryable: true });
  }

  /** @returns its etag */
  async #writeHead(body: Buffer, closed: Head, signal: AbortSignal | undefined): Promise<string | undefined> {
    const { target, instance } = this.#settings;
    for (let tries = 1; ; tries++) {
      const replaces = this.#replaces;
      try {
        const condition = replaces === undefined ? { ifAbsent: true as const } : { ifMatch: replaces.etag };
        return (await target.write(HEAD_NAME, body, { ...condition, signal })).etag;
      } catch (error) {
        if (!SecureStoreError.is(error)) throw error;
        if (error.code !== 'CONFLICT' && error.outcome !== 'unknown') throw error;
        const found = await target.read(HEAD_NAME, { signal });
        if (found !== undefined && body.equals(found.body)) return found.etag;
        const there = found && (await readHead(target, signal));
        // An attempt that came to nothing, and landed late.
        const isOwn = there !== undefined && isInstance(there.head, { instance });
        if (there !== undefined && !isOwn && there.etag !== replaces?.etag) {
          throw new SecureStoreError('ALREADY_EXISTS', 'another store was made there meanwhile; it was left as it is');
        }
        if (tries === MAX_TRIES) throw error;
        await this.#checkClosed(closed, signal);
        this.#replaces = there;
      }
    }
  }
}

const MAX_TRIES = 5;

/** Whether what was prepared is for this head: no other change has come before the one that closed the store. */
const isFor = ({ closing }: Prepared, { generation }: Head): boolean => closing === generation;

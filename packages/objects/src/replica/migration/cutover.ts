import type { Head } from '@securestore/core-format';
import { HEAD_NAME, SecureStoreError, workPrefix } from '@securestore/core-format';
import { isUndecided } from '@securestore/jobs';
import { ancestorsAfter, isInstance } from '../../head/ancestry.ts';
import type { NamedCheckpoint } from '../../checkpoint/load.ts';
import { checkpointOf, sameCheckpoint } from '../../checkpoint/load.ts';
import { MIGRATION_NAME } from '../../head/intent-marker.ts';
import type { Engine } from '../../engine/engine.ts';
import { removeOldKeys } from '../../engine/head-references.ts';
import { ownerKeys } from '../../head/unlock/owner-keys.ts';
import { mapConcurrently } from '../../util/map-concurrently.ts';
import { pagesUnder } from '../../util/listing.ts';
import { signedHead } from '../../head/sign-head.ts';
import type { ReadHead, StoreState } from '../../head/store-state.ts';
import { readHead } from '../../head/store-state.ts';
import { lookAtSystemObject, sealJournalBody } from '../../engine/sealed-objects.ts';
import type { LandedHead } from '../../head/move/staged-head.ts';
import type { LandingSettings, PreparedLanding } from './prepare-cutover.ts';
import { copiedCheckpoint, prepareLanding } from './prepare-cutover.ts';
import { takenMeanwhile } from '../copy/target-taken.ts';

const MAX_TRIES = 5;

/** What is remembered of backups, schedules, health and collections, which moves with the store. */
const KEPT = [workPrefix('backup'), workPrefix('collected')];
const KEPT_AT_ONCE = 16;

function withCheckpoint(references: Head['references'], named: NamedCheckpoint | undefined): Head['references'] {
  if (named === undefined) return references;
  return { ...references, [named.former ? 'formerCheckpoint' : 'checkpoint']: named.reference };
}

/** Makes the head of a store where it moves to. As much as possible of it before the store closes. */
export class Landing {
  readonly #engine: Engine;
  readonly #settings: LandingSettings;
  #replaces: ReadHead | undefined;
  #prepared: PreparedLanding | undefined;

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
    const { monitor } = this.#engine;
    for (;;) {
      const { state } = monitor;
      try {
        const closed = { ...state.head, generation: state.head.generation + 1 };
        this.#prepared = await this.#prepareAfter(state, closed, signal);
        return;
      } catch (error) {
        // What the head names may have been removed, since another process has changed it.
        if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
        await monitor.refresh(signal);
        if (monitor.state === state) throw error;
      }
    }
  }

  #prepareAfter(state: StoreState, before: Head, signal: AbortSignal | undefined): Promise<PreparedLanding> {
    return prepareLanding(this.#engine, this.#settings, { state, before, replaces: this.#replaces }, signal);
  }

  async #preparedFor(closed: Head, signal: AbortSignal | undefined): Promise<PreparedLanding> {
    const prepared = this.#prepared;
    // It holds as long as no other change has come before the one that closed the store.
    if (prepared?.closing === closed.generation) return prepared;
    return (this.#prepared = await this.#prepareAfter(this.#engine.monitor.state, closed, signal));
  }

  /**
   * Seals again what the store remembers of its backups and its health, once it has been closed.
   *
   * @param closed its head
   * @throws SecureStoreError what the backends throw
   */
  async bring(closed: Head, signal?: AbortSignal): Promise<void> {
    const { engine } = await this.#preparedFor(closed, signal);
    const { backend } = this.#engine;
    const bring = async (name: string): Promise<void> => {
      const found = await lookAtSystemObject(this.#engine, 'job', name, signal);
      // What nobody can read anyway stays behind.
      if (found === undefined || 'error' in found) return;
      const body = await sealJournalBody(engine, 'job', name, found.plaintext);
      await engine.backend.write(name, body, { signal });
    };
    for (const prefix of KEPT) {
      for await (const names of pagesUnder(backend, prefix, signal)) {
        if (names.length > 0) await this.#checkClosed(closed, signal);
        for await (const _ of mapConcurrently(names, KEPT_AT_ONCE, bring));
      }
    }
  }

  /**
   * Writes the head, for the store that has been closed and of which everything is there.
   *
   * @param closed its head
   * @returns what it has written, if the backend tells of that
   * @throws SecureStoreError `ALREADY_EXISTS` if another store has come in between; what the backends throw
   */
  async land(closed: Head, signal?: AbortSignal): Promise<LandedHead | undefined> {
    const { state } = this.#engine.monitor;
    const prepared = await this.#preparedFor(closed, signal);
    const isSame = sameCheckpoint(prepared.checkpoint.of, checkpointOf(closed));
    const { as } = isSame ? prepared.checkpoint : await copiedCheckpoint(this.#engine, prepared.engine, signal);
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

  /** What has landed there may be the store by now, if the process that moves it has slept: it is none as long as this head closes it here. */
  async #checkClosed({ generation }: Head, signal: AbortSignal | undefined): Promise<void> {
    const here = await readHead(this.#engine.backend, signal);
    if (here?.head.state === 'closing' && here.head.generation === generation) return;
    const message = 'another process reopened or migrated the store during this migration';
    throw new SecureStoreError('CONFLICT', message, { retryable: true, advice: [{ id: 'resume-migration' }] });
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
        if (!isUndecided(error)) throw error;
        const found = await target.read(HEAD_NAME, { signal });
        if (found !== undefined && body.equals(found.body)) return found.etag;
        const there = found && (await readHead(target, signal));
        // An attempt that came to nothing, and landed late.
        const isOwn = there !== undefined && isInstance(there.head, { instance });
        if (there !== undefined && !isOwn && there.etag !== replaces?.etag) {
          throw takenMeanwhile();
        }
        if (tries === MAX_TRIES) throw error;
        await this.#checkClosed(closed, signal);
        this.#replaces = there;
      }
    }
  }
}

import type { Head } from '@securestore/core-format';
import { HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import { wipeKeyring } from '@securestore/crypto';
import type { Instant } from '@securestore/jobs';
import { instant, isUndecided } from '@securestore/jobs';
import { ancestorsAfter, followsFrom, headDigest } from '../head/ancestry.ts';
import { withEnds } from '../head/trust/audit-segment-ends.ts';
import type { Engine } from './engine.ts';
import type { NextGrants, Written } from './head-references.ts';
import { discardObjects, grantsFor, nextReferences, removeOldKeys, writeObjects } from './head-references.ts';
import type { HeadEdit } from '../head/head-edit.ts';
import { keyChanges } from './key-changes.ts';
import { ownerKeys } from '../head/unlock/owner-keys.ts';
import { signedHead } from '../head/sign-head.ts';
import type { StoreState } from '../head/store-state.ts';
import { readHead } from '../head/store-state.ts';
import { tryAgain } from '../util/try-again.ts';

const MAX_TRIES = 20;

/** The outcome of writing a head: it has this etag, was followed by another one, or never took effect. */
type Outcome = { readonly etag: string } | 'followed' | 'lost';

async function replaceHead(engine: Engine, head: Head, body: Buffer, etag: string): Promise<Outcome> {
  let doubtful = false;
  for (let tries = 1; ; tries++) {
    try {
      return await engine.backend.write(HEAD_NAME, body, { ifMatch: etag });
    } catch (error) {
      if (!isUndecided(error)) throw error;
      const conflict = error.code === 'CONFLICT';
      // What is stored decides: no two heads are the same. One that may still land is sent again, which it can stand.
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

interface Attempt {
  readonly state: StoreState;
  readonly etag: string;
  readonly plan: HeadEdit;
  readonly nextGrants: NextGrants;
  readonly begun: Instant;
}

/** Writes what `plan` says. */
async function writePlanned(
  engine: Engine,
  { state, etag, plan, nextGrants }: Attempt,
): Promise<{ readonly head: Head; readonly outcome: Outcome; readonly written: Written }> {
  const written = await writeObjects(engine, state, plan, nextGrants);
  const { audit, ...settings } = { ...state.head, ...plan.head };
  const head: Head = {
    ...settings,
    ...(audit && { audit: { ...audit, ends: withEnds(audit.ends, engine.audit.end?.()) } }),
    generation: state.head.generation + 1,
    ancestors: ancestorsAfter(state.head),
    time: engine.clock.now(),
    references: nextReferences(state, plan, nextGrants, written),
  };
  const outcome = await replaceHead(engine, head, signedHead(head, ownerKeys(state).identity), etag);
  return { head, outcome, written };
}

/** @returns whether the change was made; `false` if another one came first */
async function tryChange(engine: Engine, attempt: Attempt): Promise<boolean> {
  const { state, plan, begun } = attempt;
  const { events } = state;
  // Events about new keys have the names of their categories.
  if (plan.categories !== undefined) events?.name(plan.categories);
  const changes = events === undefined ? [] : keyChanges(events, { before: state, ...plan });
  engine.monitor.prepare(plan.unlocked);
  const { head, outcome, written } = await writePlanned(engine, attempt).catch((error: unknown) => {
    engine.monitor.withdraw(plan.unlocked);
    events?.changed(changes, error);
    throw error;
  });
  if (outcome === 'lost') {
    engine.monitor.withdraw(plan.unlocked);
    await discardObjects(engine, written);
    return false;
  }
  events?.changed(changes);
  if (outcome === 'followed') await engine.monitor.adoptFollowed(plan.unlocked);
  else await engine.monitor.adopt(head, outcome.etag, begun, plan.unlocked);
  const isReplaced = plan.keyring !== undefined || plan.members !== undefined || plan.destinations !== undefined;
  if (isReplaced) await removeOldKeys(engine).catch(() => undefined);
  return true;
}

/** How the head is changed. */
export interface HeadChangeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Throws if the store may not be changed now; by default if it is not open. */
  readonly checkMayChange?: () => void;
  /**
   * Whether the head is likely to be as it was read last, so that it is not read before. The write tells whether it is; if not, `plan` is
   * asked again.
   */
  readonly isKnown?: boolean;
}

/**
 * Changes the head: new immutable objects first, then one conditional write of the head, which is the commit.
 *
 * @param plan makes the edit of the current state, once more each time another change comes first; `undefined` if there is nothing to do
 * @returns whether anything was changed
 * @throws SecureStoreError `CONFLICT` if other changes come first again and again; `ACCESS_DENIED` if the store was opened by a member;
 *   errors of `plan`
 */
export async function commitHead(
  engine: Engine,
  { signal, checkMayChange = () => engine.monitor.checkWritable(), isKnown = false }: HeadChangeOptions,
  plan: (state: StoreState) => Promise<HeadEdit | undefined>,
): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const begun = instant(engine.clock);
    const etag = isKnown && tries === 0 ? engine.monitor.etag : await engine.monitor.refresh(signal);
    checkMayChange();
    const { state } = engine.monitor;
    let planned: HeadEdit | undefined;
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
      await engine.monitor.refresh(signal);
      if (engine.monitor.state === state) throw error;
    } finally {
      if (planned?.keyring !== undefined) wipeKeyring(planned.keyring);
    }
  }
  throw tryAgain('CONFLICT', `other changes of the store came first ${MAX_TRIES} times. Nothing was changed.`);
}

import type { CheckpointRoot, Reference } from '@securestore/core-format';
import {
  checkpointName,
  encodeCheckpointRoot,
  joinCheckpointRoot,
  SecureStoreError,
  sha256,
} from '@securestore/core-format';
import { sealSystemBody, signAs } from '@securestore/crypto';
import type { Engine } from '../engine/engine.ts';
import { commitHead } from '../engine/commit-head.ts';
import { ownerKeys } from '../head/unlock/owner-keys.ts';
import { checkMayChange } from '../engine/rotation-state.ts';
import type { StoreState } from '../head/store-state.ts';
import { contextOf } from '../engine/sealed-objects.ts';
import { PageWriter, Superseded } from './page-writer.ts';
import { removeUnused } from './remove-unused.ts';
import type { LoadedCheckpoint, NamedCheckpoint } from './load.ts';
import { CHECKPOINT_USE, checkpointOf, loadCheckpoint, readPage, sameCheckpoint, sameReference } from './load.ts';
import type { Source, Tally } from './passes.ts';
import { ChangedTokens, changesPass, copyPass, fullPass } from './passes.ts';
import { tryAgain } from '../util/try-again.ts';

const RANDOM_NAME_LENGTH = 16;
const MAX_TRIES = 10;

/** What a checkpoint holds, and what was done to make it. */
export interface CheckpointReport {
  /** What was acknowledged before this is in it. */
  readonly time: Date;
  /** The generation of the head that names it. */
  readonly generation: number;
  readonly objects: number;
  /** Objects that were deleted, and those that were purged. */
  readonly deleted: number;
  readonly purged: number;
  readonly pages: number;
  /** Pages that were written, because the checkpoint before has none like them. */
  readonly pagesWritten: number;
  /** Names that were looked at. */
  readonly examined: number;
  /**
   * Names of which less or other is there than the checkpoint before says, or that are damaged: this one says the same of
   * them. `verify` names them.
   */
  readonly contradicted: number;
  /** What the journal, if it is on, shows to be missing or damaged in it. All objects were looked at then. */
  readonly findings: readonly string[];
}

export interface MakeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onExamined?: (() => void) | undefined;
  /**
   * Asked when the cut begins: the tokens of what may have changed since the checkpoint before, as far as the answers before
   * did not say. Without it, or an answer, all objects are looked at.
   */
  readonly changed?: (() => Promise<Iterable<string> | undefined>) | undefined;
  /** Takes what is there now as right, whatever the checkpoint before says. */
  readonly afresh?: boolean | undefined;
  /** The id of the rotation that makes it, which knows when digests don't change any more. */
  readonly rotation?: Uint8Array | undefined;
}

/** What a checkpoint is made from, and what must not have changed when it is committed. */
interface Basis {
  readonly before: LoadedCheckpoint | undefined;
  readonly named: NamedCheckpoint | undefined;
  readonly keyring: Reference | undefined;
}

type Cut = Pick<CheckpointRoot, 'time' | 'floor'>;

async function basisOf(engine: Engine, afresh: boolean, signal: AbortSignal | undefined): Promise<Basis> {
  const before = afresh ? undefined : await loadCheckpoint(engine, signal);
  const { head } = engine.monitor.state;
  return { before, named: checkpointOf(head), keyring: head.references.keyring };
}

/** @param generation of the head that is to name it */
async function writeRoot(
  engine: Engine,
  state: StoreState,
  writer: PageWriter,
  cut: Cut,
  generation: number = state.head.generation + 1,
): Promise<Reference> {
  const { head, keys } = state;
  const signed = encodeCheckpointRoot({
    ...cut,
    instance: head.instance,
    totals: writer.totals,
    pages: writer.pages,
  });
  const plaintext = joinCheckpointRoot(signed, signAs(ownerKeys({ keys }).identity, CHECKPOINT_USE, signed));
  const name = checkpointName(generation, engine.random(RANDOM_NAME_LENGTH));
  const body = sealSystemBody(keys.journal.primary, 'checkpoint', contextOf(state, name), plaintext, engine.random);
  if (body.length > engine.limits.maxRecord) {
    throw new SecureStoreError(
      'TOO_LARGE',
      `the root of the checkpoint must have at most ${engine.limits.maxRecord} bytes at this backend, got ${body.length}`,
    );
  }
  await engine.backend.write(name, body, { ifAbsent: true });
  return { name, digest: sha256(body) };
}

/** @throws Superseded if keys or checkpoint have been replaced since it was begun */
async function commitRoot(
  engine: Engine,
  basis: Basis,
  writer: PageWriter,
  cut: Cut,
  { rotation, signal }: MakeOptions,
): Promise<void> {
  let written: Reference | undefined;
  const withdraw = async (): Promise<void> => {
    // What can't be deleted now is removed when it is old.
    if (written !== undefined) await engine.backend.delete(written.name).catch(() => undefined);
  };
  const changed = await commitHead(engine, { signal }, async (state) => {
    await withdraw();
    checkMayChange(state, rotation);
    if (!sameCheckpoint(checkpointOf(state.head), basis.named)) return undefined;
    if (!sameReference(state.head.references.keyring, basis.keyring)) return undefined;
    written = await writeRoot(engine, state, writer, cut);
    return { head: { references: { checkpoint: written } } };
  });
  if (!changed) throw new Superseded();
}

type Pass = (source: Source) => Promise<void>;

/** Builds a checkpoint and commits it, again if others replace what it is made from. */
async function build(
  engine: Engine,
  options: MakeOptions,
  begin: (basis: Basis) => Promise<{ readonly cut: Cut; readonly pass: Pass } | undefined>,
): Promise<CheckpointReport | undefined> {
  const { signal, onExamined, afresh = false, rotation } = options;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    await engine.monitor.refresh(signal);
    engine.monitor.checkWritable();
    const basis = await basisOf(engine, afresh, signal);
    checkMayChange(engine.monitor.state, rotation);
    const begun = await begin(basis);
    if (begun === undefined) return undefined;
    try {
      const tally: Tally = { examined: 0, contradicted: 0 };
      const writer = new PageWriter(engine, basis.before, signal);
      await begun.pass({ engine, before: basis.before, writer, tally, signal, onExamined });
      await writer.finish();
      await commitRoot(engine, basis, writer, begun.cut, options);
      return reportOf(engine, begun.cut, writer, tally);
    } catch (error) {
      if (!(error instanceof Superseded)) throw error;
    }
  }
  const message = `cannot make a checkpoint: other processes replaced it or the encryption keys ${MAX_TRIES} times`;
  throw tryAgain('CONFLICT', message);
}

function reportOf(engine: Engine, cut: Cut, { pages, totals, written }: PageWriter, tally: Tally): CheckpointReport {
  return {
    time: new Date(cut.time),
    generation: engine.monitor.state.head.generation,
    objects: totals.object,
    deleted: totals.tombstone,
    purged: totals.purged,
    pages: pages.length,
    pagesWritten: written,
    ...tally,
    findings: [],
  };
}

/**
 * Makes a checkpoint: what the store holds, so that `verify` can tell later what was put back, hidden or brought back to
 * life. What the checkpoint before says and what is found less of stays as it says.
 *
 * Waits 6 s first, so that nothing is under way any more that was prepared under an older head.
 *
 * @throws SecureStoreError `LOCKED` while a rotation is under way, or was stopped; `INTEGRITY` if the checkpoint before is
 *   damaged, unless `afresh`; `TOO_LARGE`; `CONFLICT`; and what the backend throws
 */
export async function makeCheckpoint(engine: Engine, options: MakeOptions = {}): Promise<CheckpointReport> {
  const { changed, signal } = options;
  const tokens = new ChangedTokens();
  const report = await build(engine, options, async ({ before }) => {
    const cut = { time: engine.clock.now(), floor: engine.monitor.state.head.generation };
    await engine.monitor.quiesce(signal);
    tokens.add(await changed?.());
    const sorted = tokens.sorted;
    const fromChanges = before !== undefined && sorted !== undefined;
    return { cut, pass: fromChanges ? (source) => changesPass(source, before, sorted) : fullPass };
  });
  if (report === undefined) throw new SecureStoreError('INTERNAL', 'the checkpoint was begun and not made');
  await removeUnused(engine, signal);
  return report;
}

/**
 * Seals the checkpoint that there is under the primary journal key, and removes what is stored under older ones. One that is
 * damaged stays: `verify` names it.
 *
 * @param rotation the id of the rotation that does it
 */
export async function rekeyCheckpoint(
  engine: Engine,
  rotation: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await build(engine, { signal, rotation }, async ({ before }) => {
      const { primary } = engine.monitor.state.keys.journal;
      if (before === undefined || (primary.id.equals(before.keyId) && !before.former)) return undefined;
      const { time, floor } = before.root;
      return { cut: { time, floor }, pass: copyPass };
    });
    await removeUnused(engine, signal);
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
  }
}

/**
 * Seals the checkpoint of a store for another one that is being made of it.
 *
 * @param target the engine of that one, whose head will name it
 * @returns how that head names it; `undefined` if there is none
 * @throws SecureStoreError `INTEGRITY` if it is damaged, `TOO_LARGE`, and what the backends throw
 */
export async function copyCheckpoint(
  source: Engine,
  target: Engine,
  signal: AbortSignal | undefined,
): Promise<NamedCheckpoint | undefined> {
  const before = await loadCheckpoint(source, signal);
  if (before === undefined) return undefined;
  const writer = new PageWriter(target, undefined, signal);
  for (let index = 0; index < before.root.pages.length; index++) {
    for (const entry of await readPage(source, before, index, signal)) await writer.add(entry);
  }
  await writer.finish();
  const { state } = target.monitor;
  const { time, floor } = before.root;
  const reference = await writeRoot(target, state, writer, { time, floor }, state.head.generation);
  return { reference, former: before.former };
}

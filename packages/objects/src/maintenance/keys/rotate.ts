import type { RunningRotation } from '@securestore/core-format';
import { ID_LENGTH, SecureStoreError } from '@securestore/core-format';
import type { Job, JobContext, JobKind, Jobs } from '@securestore/jobs';
import { makeCheckpoint, rekeyCheckpoint } from '../../checkpoint/make.ts';
import { checkpointOf } from '../../checkpoint/load.ts';
import type { Engine } from '../../engine/engine.ts';
import { removeOldKeys } from '../../engine/head-references.ts';
import type { FailedObject } from '../../engine/scan-sealed-objects.ts';
import type { StoreState } from '../../head/store-state.ts';
import { countKeyUsage } from './key-usage.ts';
import { rekeyCopies, replaceCopiedKeys } from './rekey-replicas.ts';
import { retireUnused } from './keys.ts';
import type { ReadySecrets, RemovedSlot, Secrets } from './rotation-plan.ts';
import { readySecrets, renew, slotsRemovedBy, wipeSecrets } from './rotation-plan.ts';
import { objectsAfter, reEncryptAll } from './re-encrypt.ts';
import type { RekeyOptions, RekeyCounts } from './rewrap.ts';
import { note, recordsAfter, rewrapAll } from './rewrap.ts';
import { endRotation, ROTATION_JOB, rotationUnderWay, takeOver } from '../../engine/rotation-state.ts';
import { keyringOf, awaitQuiescence } from './await-quiescence.ts';
import { rekeySealedObjects } from './rekey-sealed-objects.ts';
import { shownValue } from '../../util/shown-value.ts';
import { invalid } from '../../util/invalid.ts';
import { countItems } from '../../util/listing.ts';

/** How far a rotation goes; each depth includes the ones before. */
export type RotationDepth = 'unlock' | 'keys' | 'data';

/** What a rotation did. */
export interface RotationReport {
  readonly depth: RotationDepth;
  /** Versions of objects looked at, current and older ones. */
  readonly examined: number;
  /** Versions brought under the new keys. */
  readonly rotated: number;
  /** Versions that could not be, such as damaged ones: their keys stay in use. */
  readonly failed: number;
  /** The first 1,000 of them, by their names at the backend. */
  readonly failures: readonly FailedObject[];
  /**
   * What is stored at names of the store's own (jobs, journal, markers, checkpoints) and was not written there by anybody who
   * has the keys, up to 1,000 of it: junk, or damage. It keeps no key in use. A collection removes it once it is old.
   */
  readonly foreign: readonly FailedObject[];
  /** Ids of the key versions that nothing needs any more, and that were retired. */
  readonly retired: readonly string[];
  /** How many versions of objects each older key version still encrypts, by its id. */
  readonly remaining: Readonly<Record<string, number>>;
  /**
   * Destinations of backups that could not be brought under the new keys: the old ones stay in use until another rotation reaches
   * them.
   */
  readonly pending: readonly string[];
  /**
   * With `data`: names of which less or other is there than the checkpoint before says, or that are damaged. The new checkpoint
   * says of them what that one says, and `verify` names them.
   */
  readonly contradicted: number;
  /** The slots of the old unlock secret, which are removed; empty if the secret stays, or another call resumed the rotation. */
  readonly removedSlots: readonly RemovedSlot[];
}

/** How often a pass is repeated for what writers that were under way left behind. */
const MAX_PASSES = 5;

interface Parameters {
  readonly depth: RotationDepth;
}

/** Where a pass resumes, and for which keys it was: other keys need another pass. */
interface Cursor {
  readonly keyring: string;
  readonly after: string;
}

/** What a pass saved; `undefined` if none has begun. */
function parseCursor(cursor: unknown): Cursor | undefined {
  if (typeof cursor !== 'object' || cursor === null) return undefined;
  const { keyring, after } = cursor as Partial<Cursor>;
  return typeof keyring === 'string' && typeof after === 'string' ? { keyring, after } : undefined;
}

/** The ids of the key versions of categories: what is stored under others is no record, and another pass leaves it as it is. */
function categoryVersions({ keys }: StoreState): Set<string> {
  return new Set(keys.versions.filter(({ kind }) => kind === 'category').map(({ label }) => label));
}

interface RekeyPass {
  readonly counts: RekeyCounts;
  readonly after: string | undefined;
  /** From 1: the first one re-encrypts everything if the depth says so, the others what is under old keys. */
  readonly number: number;
}

async function runPass(engine: Engine, context: JobContext<Parameters>, pass: RekeyPass): Promise<void> {
  const { depth } = context.parameters;
  const { signal } = context;
  const { counts, after, number } = pass;
  const keyring = keyringOf(engine.monitor.state);
  context.progress({ phase: number === 1 ? 're-keying' : `re-keying, pass ${number}` });
  const ahead = depth === 'data' ? objectsAfter(engine, after, signal) : recordsAfter(engine, after, signal);
  context.progress({ total: await countItems(ahead) });
  const options: RekeyOptions = {
    counts,
    after,
    signal,
    async onDone(cursor, examined) {
      context.progress({ done: examined });
      await context.save({ keyring, after: cursor } satisfies Cursor);
    },
  };
  if (depth === 'data') await reEncryptAll(engine, { ...options, onlyOld: number > 1 });
  else await rewrapAll(engine, options);
}

/** What verifies the store from here on. @returns how much contradicts what the checkpoint before says */
async function newBaseline(
  engine: Engine,
  { signal, progress }: JobContext<Parameters>,
  counts: RekeyCounts,
  rotation: Uint8Array,
): Promise<number> {
  progress({ phase: 'checkpoint', total: counts.examined });
  try {
    const made = await makeCheckpoint(engine, { signal, rotation, onExamined: () => progress({ done: 1 }) });
    return made.contradicted;
  } catch (error) {
    // A store that has outgrown checkpoints can be rotated all the same, and keeps the one before.
    if (SecureStoreError.is(error, 'TOO_LARGE')) return 0;
    if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
    // The one before is damaged and stays, as nobody knows what it said. `verify` names it too.
    note(counts, checkpointOf(engine.monitor.state.head)?.reference.name ?? '', error);
    return 0;
  }
}

async function rekeyAll(
  engine: Engine,
  context: JobContext<Parameters>,
  rotation: Uint8Array,
  candidates: Set<string>,
): Promise<Omit<RotationReport, 'removedSlots'>> {
  const { signal } = context;
  const { depth } = context.parameters;
  const counts: RekeyCounts = { examined: 0, rotated: 0, failed: 0, failures: [] };
  const keyring = keyringOf(engine.monitor.state);
  const saved = parseCursor(context.cursor);
  let after = saved?.keyring === keyring && saved.after !== '' ? saved.after : undefined;
  // The state of this job, too, goes under the new journal key.
  await context.save({ keyring, after: after ?? '' } satisfies Cursor, { now: true });
  await rekeySealedObjects(engine, counts, signal);
  await rekeyCheckpoint(engine, rotation, signal);
  for (let number = 1; ; number++) {
    await runPass(engine, context, { counts, after, number });
    after = undefined;
    context.progress({ phase: 'counting', total: counts.examined });
    const usage = await countKeyUsage(engine, { signal, onCounted: (done) => context.progress({ done }) });
    context.progress({ phase: 're-keying backups' });
    const copies = await rekeyCopies(engine, signal);
    const left = [...candidates].filter((id) => usage.counts.has(id) || copies.counts.has(id));
    const ofRecords = categoryVersions(engine.monitor.state);
    if (left.some((id) => ofRecords.has(id)) && counts.failed === 0 && number < MAX_PASSES) continue;
    // What could not be checked there may be stored under any of them.
    const isNeeded = (id: string): boolean => copies.counts.has(id) || (copies.pending.length > 0 && ofRecords.has(id));
    const unused = new Set([...candidates].filter((id) => !isNeeded(id)));
    const retired = counts.failed > 0 ? [] : await retireUnused(engine, unused, usage, signal);
    // What that change could not remove.
    await removeOldKeys(engine, signal);
    const contradicted = depth === 'data' ? await newBaseline(engine, context, counts, rotation) : 0;
    await endRotation(engine, rotation, signal);
    const countOf = (id: string): number => (usage.counts.get(id) ?? 0) + (copies.counts.get(id) ?? 0);
    const remaining = Object.fromEntries(left.map((id) => [id, countOf(id)]));
    return { depth, pending: copies.pending, ...counts, foreign: usage.strays, retired, remaining, contradicted };
  }
}

const DEPTHS: readonly unknown[] = ['unlock', 'keys', 'data'];

function parseParameters(parameters: unknown): Parameters {
  const depth = (parameters as Partial<Parameters> | null)?.depth;
  if (DEPTHS.includes(depth)) return { depth: depth as RotationDepth };
  throw new SecureStoreError('INTEGRITY', 'the stored rotation has an unknown depth');
}

function nothingMore(depth: RotationDepth): Omit<RotationReport, 'removedSlots'> {
  const nothing = { examined: 0, rotated: 0, failed: 0, failures: [], foreign: [], retired: [], remaining: {} };
  return { depth, pending: [], ...nothing, contradicted: 0 };
}

/** Begins a rotation, or resumes the one that is under way. @returns whether it is under way now */
async function begin(
  engine: Engine,
  rotation: RunningRotation,
  secrets: ReadySecrets | undefined,
  { signal, progress }: JobContext<Parameters>,
): Promise<boolean> {
  if (secrets !== undefined) {
    progress({ phase: 'making new keys' });
    return renew(engine, rotation, secrets, signal);
  }
  await takeOver(engine, rotation, signal);
  return true;
}

/**
 * The work of a rotation. Which one is under way is said by the head: states of jobs are sealed and not signed in any
 * order, so whoever kept an old one could have a rotation done that nobody began.
 *
 * @param secrets absent if the job was begun by another process
 */
export function rotationKind(
  engine: Engine,
  secrets?: () => ReadySecrets | undefined,
): JobKind<Parameters, RotationReport> {
  return {
    name: ROTATION_JOB,
    parse: parseParameters,
    async underWay() {
      const rotation = await rotationUnderWay(engine);
      return rotation && { depth: rotation.depth };
    },
    async run(context) {
      const { depth } = context.parameters;
      const { signal } = context;
      const id = engine.random(ID_LENGTH);
      const ready = secrets?.();
      const removedSlots = slotsRemovedBy(engine.monitor.state, ready);
      const isUnderWay = await begin(engine, { depth, id }, ready, context);
      // What the last change of the keys could not remove, or the run before this one.
      await removeOldKeys(engine, signal);
      if (!isUnderWay || depth === 'unlock') {
        await endRotation(engine, id, signal);
        // With what is stored there now, the old secret opens all backups.
        return { ...nothingMore(depth), pending: await replaceCopiedKeys(engine, signal), removedSlots };
      }
      context.progress({ phase: 'waiting for all processes to follow' });
      const candidates = await awaitQuiescence(engine, signal);
      return { ...(await rekeyAll(engine, context, id, candidates)), removedSlots };
    },
  };
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function checkDepth(depth: unknown): asserts depth is RotationDepth {
  if (DEPTHS.includes(depth)) return;
  invalid(`the option "depth" must be "unlock", "keys" or "data", got ${shownValue(depth)}`, 'depth');
}

/** Rotates keys, once the secrets are known to be right. One rotation at a time, whatever its depth: each waits for others to follow its own keys. */
export function startRotation(
  engine: Engine,
  jobs: Jobs,
  depth: RotationDepth,
  secrets: Secrets,
  signal: AbortSignal,
): Job<RotationReport> {
  checkDepth(depth);
  let ready: ReadySecrets | undefined;
  const job = jobs.start(
    rotationKind(engine, () => ready),
    { depth },
    { signal, before: async (stop) => void (ready = await readySecrets(engine, secrets, stop)) },
  );
  void job.finally(() => wipeSecrets(ready)).catch(() => undefined);
  return job;
}

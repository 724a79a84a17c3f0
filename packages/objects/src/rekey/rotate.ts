import type { Slot } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import type { Job, JobContext, JobKind, Jobs } from '@securestore/jobs';
import { makeCheckpoint, rekeyCheckpoint } from '../checkpoint/make.ts';
import type { Engine } from '../engine.ts';
import type { HeadPlan } from '../head-change.ts';
import { changeHead } from '../head-change.ts';
import type { StoreState } from '../state.ts';
import { readKeyring } from '../state.ts';
import { takeCensus } from './census.ts';
import { rotationId } from './job-ids.ts';
import { retireUnused } from './keys.ts';
import { newRoot, resealSlots, withNewPrimaries } from './new-keys.ts';
import { resealAll } from './reseal.ts';
import type { FailedObject, RekeyCounts } from './rewrap.ts';
import { rewrapAll } from './rewrap.ts';
import { resealWork } from './work.ts';
import { findSlot, holdSecret, newSlot, openGivenSlot } from './slots.ts';

/** How far a rotation goes; each depth includes the ones before. */
export type RotationDepth = 'unlock' | 'keys' | 'data';

/** What a rotation did. */
export interface RotationReport {
  readonly depth: RotationDepth;
  /** Records looked at, current and older versions. */
  readonly examined: number;
  /** Records brought under the new keys. */
  readonly rekeyed: number;
  /** Records that could not be, such as damaged ones: their keys stay in use. */
  readonly failed: number;
  /** The first 1,000 of them, by their names at the backend. */
  readonly failures: readonly FailedObject[];
  /** Ids of the key versions that nothing needs any more, and that were retired. */
  readonly retired: readonly string[];
  /** How many objects lie under each older key version still, by its id. */
  readonly remaining: Readonly<Record<string, number>>;
}

/** How often a pass is repeated for what writers that were under way left behind. */
const MAX_PASSES = 5;

interface Parameters {
  readonly depth: RotationDepth;
}

/** From where a pass goes on, and for which keys it was: other keys need another pass. */
interface Cursor {
  readonly keyring: string;
  readonly after: string;
}

const keyringOf = ({ head }: StoreState): string => head.references.keyring?.name ?? '';

function parseCursor(cursor: unknown, state: StoreState): string | undefined {
  if (typeof cursor !== 'object' || cursor === null) return undefined;
  const { keyring, after } = cursor as Partial<Cursor>;
  return keyring === keyringOf(state) && typeof after === 'string' && after !== '' ? after : undefined;
}

/** The ids of the key versions that seal nothing any more. */
function replacedVersions({ keys }: StoreState): Set<string> {
  return new Set(keys.versions.filter(({ state }) => state === 'enabled').map(({ label }) => label));
}

/** Keys, root and slots of a rotation. @param replaceSlot gives the slots with the one of the old secret replaced */
async function planRotation(
  engine: Engine,
  state: StoreState,
  depth: RotationDepth,
  replaceSlot: ((state: StoreState) => Promise<Slot[]>) | undefined,
): Promise<HeadPlan> {
  const { head, unlocked } = state;
  const root = { number: head.rootNumber + 1, key: newRoot(engine.random) };
  const slots = await resealSlots((await replaceSlot?.(state)) ?? head.slots, head.lineage, root);
  const keyring = await readKeyring(engine.backend, head, unlocked.root);
  const renewed = depth === 'unlock' ? keyring : withNewPrimaries(keyring, engine.clock.now(), engine.random);
  return {
    head: { slots, rootNumber: root.number },
    keyring: { ...renewed, rootNumber: root.number },
    root: root.key,
    dropCheckpoint: depth === 'data',
  };
}

/** Renews the root and, as `depth` says, the keys, without changing any secret. */
async function renewKeys(engine: Engine, depth: RotationDepth, signal: AbortSignal): Promise<void> {
  await changeHead(engine, (state) => planRotation(engine, state, depth, undefined), signal);
}

/** Replaces the slot of the old secret by one of the new secret, and renews what `depth` says, in one commit. */
async function replaceSecret(
  engine: Engine,
  oldKey: UnlockMethod,
  newKey: UnlockMethod,
  depth: RotationDepth,
  signal: AbortSignal,
): Promise<void> {
  const [before, after] = [await holdSecret(oldKey), await holdSecret(newKey)];
  try {
    await changeHead(
      engine,
      async (state) => {
        const old = await findSlot(state.head, before);
        const fresh = await newSlot(engine, state, after);
        const replaced = async ({ head }: StoreState): Promise<Slot[]> =>
          head.slots.map((slot) => (slot === old ? fresh : slot)) as Slot[];
        const plan = await planRotation(engine, state, depth, replaced);
        if (!state.unlocked.id.equals(Buffer.from(old.id))) return plan;
        // This process opened the store by the secret that goes: from now on it is there by the new one.
        const sealed = plan.head?.slots?.find((slot) => !('raw' in slot) && slot.id === fresh.id);
        if (sealed === undefined || 'raw' in sealed) throw new SecureStoreError('INTERNAL', 'the new slot is missing');
        const rootNumber = plan.head?.rootNumber ?? 0;
        return { ...plan, unlocked: await openGivenSlot({ ...state.head, rootNumber }, sealed, after) };
      },
      signal,
    );
  } finally {
    before.wipe();
    after.wipe();
  }
}

async function runPass(
  engine: Engine,
  context: JobContext<Parameters>,
  counts: RekeyCounts,
  after: string | undefined,
): Promise<void> {
  const { depth } = context.parameters;
  const keyring = keyringOf(engine.watcher.state);
  const pass = depth === 'data' ? resealAll : rewrapAll;
  await pass(engine, {
    counts,
    after,
    signal: context.signal,
    async onDone(cursor, examined) {
      context.progress({ done: examined });
      await context.save({ keyring, after: cursor } satisfies Cursor);
    },
  });
}

/** Sealing anew changes digests: no checkpoint may say the old ones, also where an earlier run of the job made one. */
async function dropBaseline(engine: Engine, signal: AbortSignal): Promise<void> {
  await changeHead(
    engine,
    async ({ head }) => (head.references.checkpoint === undefined ? undefined : { dropCheckpoint: true }),
    signal,
  );
}

/** What verifies the store from here on. */
async function newBaseline(engine: Engine, { signal, progress }: JobContext<Parameters>): Promise<void> {
  progress({ phase: 'checkpoint' });
  try {
    await makeCheckpoint(engine, { signal, inRotation: true, onExamined: () => progress({ done: 1 }) });
  } catch (error) {
    // A store that has outgrown checkpoints can be rotated all the same.
    if (!SecureStoreError.is(error, 'TOO_LARGE')) throw error;
  }
}

async function rekeyAll(engine: Engine, context: JobContext<Parameters>): Promise<RotationReport> {
  const { signal } = context;
  const counts: RekeyCounts = { examined: 0, rekeyed: 0, failed: 0, failures: [] };
  const candidates = replacedVersions(engine.watcher.state);
  let after = parseCursor(context.cursor, engine.watcher.state);
  // The state of this job, too, goes under the new journal key.
  await context.save({ keyring: keyringOf(engine.watcher.state), after: after ?? '' } satisfies Cursor, { now: true });
  await resealWork(engine, signal);
  if (context.parameters.depth === 'data') await dropBaseline(engine, signal);
  await rekeyCheckpoint(engine, signal);
  for (let pass = 1; ; pass++) {
    context.progress({ phase: pass === 1 ? 're-keying' : `re-keying, pass ${pass}` });
    await runPass(engine, context, counts, after);
    after = undefined;
    context.progress({ phase: 'counting' });
    const census = await takeCensus(engine, { signal, onCounted: (done) => context.progress({ done }) });
    const left = [...candidates].filter((id) => census.counts.has(id));
    if (left.length > 0 && counts.failed === 0 && pass < MAX_PASSES && context.parameters.depth === 'keys') continue;
    const retired = await retireUnused(engine, candidates, census, signal);
    if (context.parameters.depth === 'data') await newBaseline(engine, context);
    const remaining = Object.fromEntries(left.map((id) => [id, census.counts.get(id) ?? 0]));
    return { depth: context.parameters.depth, ...counts, retired, remaining };
  }
}

const DEPTHS: readonly unknown[] = ['unlock', 'keys', 'data'];

function parseParameters(parameters: unknown): Parameters {
  const depth = (parameters as Partial<Parameters> | null)?.depth;
  if (DEPTHS.includes(depth)) return { depth: depth as RotationDepth };
  throw new SecureStoreError('INTEGRITY', 'the stored rotation says no depth that this release knows');
}

/** The work of a rotation. @param begin makes the new keys; absent where a job goes on that another process began */
export function rotationKind(
  engine: Engine,
  begin?: (signal: AbortSignal) => Promise<void>,
): JobKind<Parameters, RotationReport> {
  return {
    name: 'rotation',
    parse: parseParameters,
    async run(context) {
      const { depth } = context.parameters;
      context.progress({ phase: 'new keys' });
      await begin?.(context.signal);
      if (depth === 'unlock') {
        return { depth, examined: 0, rekeyed: 0, failed: 0, failures: [], retired: [], remaining: {} };
      }
      await engine.watcher.refresh(context.signal);
      context.progress({ phase: 'waiting for all processes to follow' });
      await engine.watcher.settle(context.signal);
      return rekeyAll(engine, context);
    },
  };
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function checkDepth(depth: unknown): asserts depth is RotationDepth {
  if (DEPTHS.includes(depth)) return;
  throw new SecureStoreError('INVALID_ARGUMENT', 'the option "depth" must be "unlock", "keys" or "data"');
}

/** Rotates keys. @param secrets the secret to replace and the one that takes its place; absent to keep all secrets */
export function startRotation(
  engine: Engine,
  jobs: Jobs,
  depth: RotationDepth,
  secrets?: { readonly oldKey: UnlockMethod; readonly newKey: UnlockMethod },
  signal?: AbortSignal,
): Job<RotationReport> {
  checkDepth(depth);
  const begin = (stop: AbortSignal): Promise<void> =>
    secrets === undefined
      ? renewKeys(engine, depth, stop)
      : replaceSecret(engine, secrets.oldKey, secrets.newKey, depth, stop);
  const options = { id: rotationId(depth) };
  return jobs.start(rotationKind(engine, begin), { depth }, signal === undefined ? options : { ...options, signal });
}

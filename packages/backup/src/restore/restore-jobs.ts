import { assertStorable } from '@securestore/backend-api';
import { lazyPart, parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { Job, JobContext, JobKind } from '@securestore/jobs';
import type { ObjectStore, SecureStorage } from '@securestore/objects';
import type { FoundPoint } from '../repository/snapshots.ts';
import { refuse } from '../repository/errors.ts';
import type {
  DrillJobOptions,
  DrillReport,
  RestoreJobReport,
  RestoreOptions,
  RestoreStoreJobOptions,
  RestoreStoreJobReport,
} from './restore-types.ts';
import type { ManagedPorts } from '../trust/destinations.ts';
import { checkRestoreInto, isWhole } from './restore-options.ts';

const loadWork = lazyPart('restores', () => import('./restore-work.ts'));

const DRILL_OPTIONS: ReadonlySet<string> = new Set(['at', 'snapshot']);
const RESTORE_STORE_OPTIONS: ReadonlySet<string> = new Set(['at', 'snapshot', 'prefix', 'partial', 'by']);
const RESTORE_OPTIONS: ReadonlySet<string> = new Set([
  'at',
  'snapshot',
  'prefix',
  'by',
  'keys',
  'into',
  'conflict',
  'deleteExtra',
  'dryRun',
  'onObject',
  'onChange',
  'verify',
]);

/** The dependencies of restore jobs. */
export interface RestorePorts extends ManagedPorts {
  readonly store: ObjectStore;
}

/** The cursor of a restore that began to change something. */
const BEGUN = { begun: true } as const;

type RestoreContext = JobContext<object> & {
  /** To be called before anything is changed. */
  readonly begin: () => void;
};

/**
 * A job that no other process can resume, since it keeps no parameters: the same call starts it again.
 *
 * It leaves no state if it fails before it changes anything, unless an earlier run has changed something.
 */
function notResumable<T>(
  name: string,
  run: (context: RestoreContext) => Promise<T>,
  options: Pick<JobKind<object, T>, 'resumable'> = {},
): { readonly kind: JobKind<object, T>; readonly parameters: object } {
  let state: 'unchanged' | 'begun' | 'begun before' = 'unchanged';
  const parse = (): never =>
    refuse(`the job ${name} has no parameters and cannot be resumed`, { id: 'start-job-again', job: name });
  const kind: JobKind<object, T> = {
    ...options,
    name,
    parse,
    // A conflict that a policy decides is found before the first change.
    isFinal: ({ advice = [] }) =>
      state === 'unchanged' || (state === 'begun' && advice.some(({ id }) => id === 'choose-conflict-policy')),
    run: (context) => {
      if (context.cursor !== undefined) state = 'begun before';
      const begin = (): void => {
        if (state !== 'unchanged') return;
        state = 'begun';
        // A cursor is written with the next renewal: without it no more is lost than an entry in the list of jobs.
        void context.save(BEGUN).catch(() => undefined);
      };
      return run({ ...context, begin });
    },
  };
  return { kind, parameters: {} };
}

/** Starts the job of a restore into the store. @param target what is written through */
export function startRestore(
  { area, destinations }: ManagedPorts,
  destination: string,
  options: RestoreOptions,
  target: SecureStorage,
): Job<RestoreJobReport> {
  checkRestoreInto(options);
  // A restore of a part, and a dry run, must not write while another process restores the whole store.
  const release = isWhole(options) ? area.goOnRestoring() : undefined;
  const start = notResumable(
    'restore',
    ({ signal, progress, begin }) =>
      destinations.opened(destination, signal, async (backup, found) => {
        const { restoreFrom } = await loadWork();
        return restoreFrom(area, backup, found, { options, target, signal, progress, begin });
      }),
    { resumable: options.dryRun !== true },
  );
  const job = area.runJob('restore', options, RESTORE_OPTIONS, start);
  if (release !== undefined) void Promise.resolve(job).then(release, release);
  return job;
}

/** Opens the store to writers again after an interrupted restore in place. @throws SecureStoreError `LOCKED` while one is running */
export async function endRestore({ area, store }: RestorePorts, signal: AbortSignal | undefined): Promise<void> {
  const jobs = await store.jobs.list({ signal });
  if (jobs.some(({ id, state }) => id === 'restore' && (state === 'running' || state === 'cancelling'))) {
    throw new SecureStoreError('LOCKED', 'the restore is still running', {
      retryable: true,
      reason: 'job-running',
      advice: [
        { id: 'wait-for-job', job: 'restore' },
        { id: 'cancel-job', job: 'restore' },
      ],
    });
  }
  await area.endRestoring(signal);
}

/** Starts the job that makes a new store of a point. */
export function startRestoreStore(
  { area, destinations }: ManagedPorts,
  destination: string,
  to: string,
  options: RestoreStoreJobOptions,
): Job<RestoreStoreJobReport> {
  const url = destinations.named(to);
  const start = notResumable('restore-store', ({ signal, progress, begin }) =>
    destinations.opened(destination, signal, (backup, found) =>
      destinations.at(url, signal, async ({ backend }) => {
        assertStorable(backend.capabilities, backend.name);
        const begun = area.clock.now();
        const phase = 'restoring';
        let [done, bytes] = [0, 0];
        const onProgress = (now: { done: number; bytes: number; total: number }): void => {
          begin();
          progress({ phase, total: now.total, done: now.done - done, bytes: now.bytes - bytes });
          [done, bytes] = [now.done, now.bytes];
        };
        progress({ phase });
        const { at, snapshot, prefix, partial } = options;
        const { receiptForStore, restoreStoreTo } = await loadWork();
        const report = await restoreStoreTo(backup, backend, { at, snapshot, prefix, partial, signal, onProgress });
        const took = area.clock.now() - begun;
        return { ...report, took, ...(await receiptForStore(area, found, url, options, report, took)) };
      }),
    ),
  );
  return area.runJob('backups.restoreStore', options, RESTORE_STORE_OPTIONS, start);
}

/** Starts the job of a drill, which compares what it restores with the store. */
export function startDrill(
  { area, destinations, store }: RestorePorts,
  destination: string,
  { scratch = 'memory:', ...options }: DrillJobOptions,
): Job<DrillReport> {
  const start = notResumable(
    'drill',
    ({ signal, progress }) =>
      destinations.opened(destination, signal, async (backup, { id }) => {
        const { drillBackup, lossJudge, RECEIPT_USE, rememberDrill, rememberDrilled, rememberReceipt, signFacts } =
          await loadWork();
        const lossesSince = async (point: FoundPoint): Promise<(key: string) => Promise<boolean>> => {
          const isLost = await lossJudge(area, { id }, point, signal);
          return (key) => isLost(area.names.tokenOf(parseStoreKey(key)));
        };
        const { facts, names, missing } = await destinations.at(destinations.named(scratch), signal, ({ backend }) =>
          drillBackup(backup, backend, { ...options, live: store, lossesSince, signal, onProgress: progress }),
        );
        if (facts.ok) await rememberDrilled(area, id);
        await rememberDrill(area, id, Date.parse(facts.begun), facts);
        const receipt = signFacts(area, RECEIPT_USE, facts);
        await rememberReceipt(area, id, 'drill', receipt);
        return { ...facts, names, missing, receipt };
      }),
    // It changes nothing of the store, and begins again each time.
    { resumable: false },
  );
  return area.runJob('drill', options, DRILL_OPTIONS, start);
}

import type { RecoveryPointRetrieveOptions, RestoreChange } from '@securestore/backup';
import { SecureStoreError } from '@securestore/core-format';
import type { StoreAction } from '../rules/actions.ts';
import { changesNothing } from '../rules/actions.ts';
import type { AdministrationCall, StoreAdministration } from './administration.ts';
import { ADMINISTRATION } from './administration.ts';
import { digestOf, plainRecord, planOf } from '../approval/approval-plan.ts';
import type { About, Given, Seal } from './call-arguments.ts';
import { aboutOf, described, NOT_RESTORED, timeIn, told } from './call-arguments.ts';
import type { PlannedObject, PlanValue, StoredPlan } from '../approval/approval-plan.ts';
import { planPolicy } from '../policy/policy-plan.ts';
import type { PolicyChange } from '../policy/policy-changes.ts';
import type { Policy } from '../rules/types.ts';

/** A call that is to be approved, with what it is given as plain data. */
export interface PlannedOperation {
  readonly call: AdministrationCall;
  /** What the call is given, by name, as plain data: see `aboutOf`. */
  readonly about?: Readonly<Record<string, unknown>> | undefined;
}

/** What a call of the administration would do. */
export interface CallPlan {
  readonly plan: StoredPlan;
  /** Whether that takes no second person, for an action. */
  readonly isFree: (action: StoreAction) => boolean;
  /** What the call is to be given, so that it does nothing else. */
  readonly bind: (given: readonly unknown[]) => readonly unknown[];
}

type Administration = Partial<StoreAdministration> | undefined;

/** The most changes of a plan: they are held in memory while a restore runs. */
const MAX_CHANGES = 250_000;

/** Calls that only look, under an action that also changes something. */
const LOOKS: ReadonlySet<AdministrationCall> = new Set([
  'backups.list',
  'backups.windows',
  'backups.verify',
  'backups.destinations',
  'schedules.list',
  'schedules.conditions',
  'jobs.list',
]);

/** The call that an action stands for, if nothing else is said. @throws SecureStoreError `INVALID_ARGUMENT` if it can be several */
export function operationFor(action: StoreAction): PlannedOperation {
  const calls = (Object.keys(ADMINISTRATION) as AdministrationCall[]).filter((call) => ADMINISTRATION[call] === action);
  const changing = calls.filter((call) => !LOOKS.has(call));
  const [only] = changesNothing(action) ? calls : changing;
  if (only !== undefined && (changesNothing(action) || changing.length === 1) && only !== 'restore')
    return { call: only };
  const which = changing.length > 1 ? `: one of ${changing.join(', ')}` : '';
  const message = `the option "operation" must name the call that takes the action ${action}${which}`;
  throw new SecureStoreError('INVALID_ARGUMENT', message, { option: 'operation' });
}

const same = (given: Given): Given => given;

/** Of a look nothing is bound but what may be looked at. */
function lookPlan(action: StoreAction): CallPlan {
  return { plan: planOf({ call: action, bound: null }), isFree: () => false, bind: same };
}

/** What an approval of a read from a backup is bound to. */
export interface ReadPlan {
  readonly plan: StoredPlan;
  /** Absent if there is no such object. */
  readonly version?: string;
}

async function versionAt(
  administration: Administration,
  key: string,
  { at, ...which }: About,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const options = { ...which, ...(at !== undefined && { at: timeIn('at', at) }), signal };
  try {
    const found = await administration?.recoveryPoints?.retrieveStream(
      key,
      options as unknown as RecoveryPointRetrieveOptions,
    );
    await found?.stream.cancel();
    return found?.info.version;
  } catch (error) {
    // Whether it is there whoever asks need not know.
    if (SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** To read an object of a backup, as it was at one of its moments: of the newest, and of one that is not over, the version can change. */
export async function planRead(
  administration: Administration,
  key: string,
  { call, about: given = {}, seal, signal }: Pick<CallAttempt, 'call' | 'about' | 'seal' | 'signal'>,
): Promise<ReadPlan> {
  const asked = described(given);
  const { about, hidden } = told(asked, seal);
  const version =
    call === 'recoveryPoints.retrieveStream' ? await versionAt(administration, key, asked, signal) : undefined;
  const plan = planOf({ call: 'read', about, bound: { key, call, hidden, version: version ?? null } });
  return { plan, ...(version !== undefined && { version }) };
}

/** The changes of a restore, without regard to their order. */
class Changes {
  readonly #digests = new Set<string>();
  readonly objects: PlannedObject[] = [];
  creates = 0;
  replaces = 0;
  deletes = 0;

  /** @throws SecureStoreError `TOO_LARGE` */
  add(change: RestoreChange): void {
    if (this.#digests.size >= MAX_CHANGES) {
      const message = `the restore would change more than ${MAX_CHANGES} objects, the limit of a plan for approval`;
      throw new SecureStoreError('TOO_LARGE', message);
    }
    this.#digests.add(changeDigest(change));
    const effect = change.type === 'rename' ? 'create' : change.type;
    if (effect === 'create') this.creates += 1;
    else if (effect === 'replace') this.replaces += 1;
    else this.deletes += 1;
    if (this.objects.length < 20) this.objects.push({ key: change.key, effect });
  }

  has(change: RestoreChange): boolean {
    return this.#digests.has(changeDigest(change));
  }

  get all(): string[] {
    return [...this.#digests].toSorted();
  }
}

function changeDigest({ key, type, from, before }: RestoreChange): string {
  return digestOf({ key, type, from: from ?? null, before: before ?? null });
}

/** @throws SecureStoreError as the restore, also `CONFLICT` if it would refuse to begin */
async function planRestore(
  administration: Administration,
  given: About,
  { seal, signal }: Pick<CallAttempt, 'seal' | 'signal'>,
): Promise<CallPlan> {
  if (administration?.restore === undefined)
    throw new SecureStoreError('UNSUPPORTED', 'the store of this session does not have the call restore');
  const { destination, at, ...rest } = Object.fromEntries(
    Object.entries(given).filter(([name]) => !NOT_RESTORED.includes(name)),
  );
  if (typeof destination !== 'string')
    throw new SecureStoreError('INVALID_ARGUMENT', 'the member "destination" must be the URL of a destination', {
      option: 'destination',
    });
  const asked = { ...rest, ...(at === undefined ? {} : { at: timeIn('at', at) }) };
  const changes = new Changes();
  const onChange = (change: RestoreChange): boolean => {
    changes.add(change);
    return true;
  };
  const report = await administration.restore(destination, { ...asked, dryRun: true, onChange, signal });
  const { conflict = 'fail' } = asked as { readonly conflict?: unknown };
  if (conflict === 'fail' && report.skipped > 0) {
    const [key] = report.conflicts;
    throw new SecureStoreError('CONFLICT', `${report.skipped} objects exist as another version. Nothing was changed.`, {
      key,
      advice: [{ id: 'choose-conflict-policy' }],
    });
  }
  const { creates, replaces, deletes, objects, all } = changes;
  const { about, hidden } = told(plainRecord({ ...asked, destination }), seal);
  const bound = { changes: digestOf(all), hidden };
  const plan = planOf({ call: 'restore', about, creates, replaces, deletes, objects, bound });
  const onlyPlanned = (change: RestoreChange): boolean => changes.has(change);
  return {
    plan,
    isFree: (action) => replaces + deletes + (action === 'restore.replace' ? 0 : creates) === 0,
    bind: ([from, options]) => [from, { ...Object(options), onChange: onlyPlanned }],
  };
}

function describedPolicies(policies: PlanValue | undefined): readonly PolicyChange[] {
  if (!Array.isArray(policies))
    throw new SecureStoreError('INVALID_ARGUMENT', 'the member "policies" must be a list of policies', {
      option: 'policies',
    });
  return (policies as unknown as readonly Policy[]).map((policy) => (): Policy => policy);
}

function changesIn(given: unknown): readonly PolicyChange[] {
  return typeof given === 'function' ? [given as PolicyChange] : (given as readonly PolicyChange[]);
}

/** Which snapshots go is worked out once, and these go alone. */
async function planForget(administration: Administration, given: Given, seal: Seal): Promise<CallPlan> {
  const [destination, choose] = given;
  const points = (await administration?.backups?.list(String(destination))) ?? [];
  const chosen =
    typeof choose === 'function' ? (choose as (...all: readonly unknown[]) => readonly number[])(points, []) : [];
  const snapshots = [...chosen].toSorted((one, other) => one - other);
  const { about, hidden } = told({ ...aboutOf('backups.forget', given), snapshots }, seal);
  return {
    plan: planOf({ call: 'backups.forget', about, bound: { hidden } }),
    isFree: () => false,
    bind: ([place, , ...rest]) => [place, (): readonly number[] => snapshots, ...rest],
  };
}

/** The settings as they are now decide with the change what becomes of them: of categories the order counts, too. */
async function planSettings(
  settings: StoreAdministration['settings'],
  about: Readonly<Record<string, PlanValue>>,
  { seal, signal }: Pick<CallAttempt, 'seal' | 'signal'>,
): Promise<CallPlan> {
  const { version } = await settings.get({ signal });
  const { ifVersion = version } = about;
  if (ifVersion !== version)
    throw new SecureStoreError('CONFLICT', 'the settings were changed meanwhile', {
      currentVersion: version,
      advice: [{ id: 'show-settings' }],
    });
  const { about: shown, hidden } = told(about, seal);
  const order = Object.keys(Object(about['categories']) as object);
  return {
    plan: planOf({ call: 'settings.change', about: shown, bound: { hidden, order, version } }),
    isFree: () => false,
    bind: ([changes, options]) => [changes, { ...Object(options), ifVersion: version }],
  };
}

/** What is asked of a plan: a call with what it is given, or an operation that was described. */
export interface CallAttempt {
  readonly call: AdministrationCall;
  readonly action: StoreAction;
  readonly given?: Given | undefined;
  readonly about?: About | undefined;
  readonly seal: Seal;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a call would do with the store as it is now.
 *
 * @throws SecureStoreError what finding that out throws
 */
export async function planCall(administration: Administration, attempt: CallAttempt): Promise<CallPlan> {
  const { call, action, given = [], seal, signal } = attempt;
  if (changesNothing(action)) return lookPlan(action);
  const isDescribed = attempt.given === undefined;
  const about = isDescribed ? described(attempt.about ?? {}) : aboutOf(call, given);
  // To be told what would be done takes nobody.
  if (call === 'restore' && (Object(given[1]) as About)['dryRun'] === true)
    return { plan: planOf({ call, about: told(about, seal).about, bound: null }), isFree: () => true, bind: same };
  if (call === 'restore') {
    const destination = isDescribed ? about['destination'] : given[0];
    return planRestore(
      administration,
      { ...about, ...(destination !== undefined && { destination }) },
      { seal, signal },
    );
  }
  if (call === 'access.change' && administration?.access !== undefined) {
    const policy = await administration.access.policy({ signal });
    const changes = isDescribed ? describedPolicies(about['policies']) : changesIn(given[0]);
    const planned = planPolicy(policy, changes);
    return { plan: planned.plan, isFree: () => false, bind: ([, ...rest]) => [planned.changes, ...rest] };
  }
  if (call === 'settings.change' && administration?.settings !== undefined)
    return planSettings(administration.settings, about, { seal, signal });
  if (call === 'backups.forget' && !isDescribed) return planForget(administration, given, seal);
  const { about: shown, hidden } = told(about, seal);
  return { plan: planOf({ call, about: shown, bound: { hidden } }), isFree: () => false, bind: same };
}

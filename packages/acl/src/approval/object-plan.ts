import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, RetrieveOptions, SecureStorage } from '@securestore/objects';
import { parseCondition } from '@securestore/objects/surface';
import type { Action, ObjectAction } from '../rules/actions.ts';
import { planOf } from './approval-plan.ts';
import type { PlannedObject, PlanValue, StoredPlan } from './approval-plan.ts';
import { unapproved } from '../rules/refusals.ts';

/** What would be done about one object, for an action that takes an approval. */
export interface ObjectPlan {
  readonly plan: StoredPlan;
  /** The version that is replaced or deleted; `none` if there is none, `damaged` if it can't be read. Absent for what changes nothing. */
  readonly before?: string;
  /** The version that is read or made current again. */
  readonly version?: string | undefined;
  /** Whether nothing is there to be deleted. */
  readonly isNothing: boolean;
}

/** Which version of an object is meant; without both the current one. */
export type Which = Pick<RetrieveOptions, 'version' | 'at'>;

/** Where a plan looks, and how long. */
export interface Looking {
  readonly storage: SecureStorage;
  readonly signal?: AbortSignal | undefined;
}

const NONE = 'none';
const DAMAGED = 'damaged';
const UNREADABLE: ReadonlySet<string> = new Set(['INTEGRITY', 'KEY_DESTROYED', 'FORMAT_VERSION']);

function optionsOf({ signal }: Looking): CallOptions {
  return signal === undefined ? {} : { signal };
}

/** What a look found; {@link NONE} if there is nothing, {@link DAMAGED} if it can't be read. */
async function found<T>(look: () => Promise<T>): Promise<T | typeof NONE | typeof DAMAGED> {
  try {
    return await look();
  } catch (error) {
    if (SecureStoreError.is(error, 'NOT_FOUND')) return NONE;
    if (SecureStoreError.is(error) && UNREADABLE.has(error.code)) return DAMAGED;
    throw error;
  }
}

async function versionAt(looking: Looking, key: string, which: Which): Promise<string> {
  const { version, at } = which;
  const chosen = { ...(version === undefined ? {} : { version }), ...(at === undefined ? {} : { at }) };
  const look = async (): Promise<string> =>
    (await looking.storage.info(key, { ...chosen, ...optionsOf(looking) })).version;
  return found(look);
}

/** Which version would be made current again, if none is named: the newest that is no deletion. */
async function latest(looking: Looking, key: string): Promise<string> {
  return found(async () => {
    const entries = await looking.storage.history(key, optionsOf(looking));
    return entries.find(({ deleted, expired, current }) => !deleted && !expired && !current)?.version ?? NONE;
  });
}

interface Effect {
  readonly before?: string;
  readonly version?: string;
  readonly effect?: PlannedObject['effect'] | undefined;
  readonly about?: Readonly<Record<string, PlanValue>>;
}

async function purgeOf(looking: Looking, key: string): Promise<Effect> {
  const entries = await found(() => looking.storage.history(key, optionsOf(looking)));
  if (typeof entries === 'string') return { before: entries, effect: entries === NONE ? undefined : 'delete' };
  const [newest] = entries;
  // What a purge leaves is no version of anything.
  const versions = entries.filter(({ deleted }) => !deleted).length;
  const effect = versions === 0 ? undefined : 'delete';
  return { before: newest?.version ?? NONE, effect, about: { versions } };
}

const written = (before: string): PlannedObject['effect'] => (before === NONE ? 'create' : 'replace');

async function effectOf(action: ObjectAction, key: string, which: Which, looking: Looking): Promise<Effect> {
  switch (action) {
    case 'read': {
      const version = await versionAt(looking, key, which);
      return { version, about: { version } };
    }
    case 'write': {
      const before = await versionAt(looking, key, {});
      return { before, effect: written(before) };
    }
    case 'delete': {
      const before = await versionAt(looking, key, {});
      return { before, effect: before === NONE ? undefined : 'delete' };
    }
    case 'recover': {
      const before = await versionAt(looking, key, {});
      const version = which.version ?? (await latest(looking, key));
      return { before, version, effect: written(before), about: { version } };
    }
    case 'purge':
      return purgeOf(looking, key);
    default:
      // To list an object, or its history, changes nothing, and shows what there is then.
      return {};
  }
}

/**
 * What an action would do about an object as it is now.
 *
 * @throws SecureStoreError what looking at the object throws
 */
export async function planObject(
  action: ObjectAction,
  key: string,
  which: Which,
  looking: Looking,
): Promise<ObjectPlan> {
  const { before, version, effect, about = {} } = await effectOf(action, key, which, looking);
  const isChange = before !== undefined;
  const plan = planOf({
    call: action,
    about,
    ...(isChange && {
      creates: effect === 'create' ? 1 : 0,
      replaces: effect === 'replace' ? 1 : 0,
      deletes: effect === 'delete' ? 1 : 0,
    }),
    ...(effect !== undefined && { objects: [{ key, effect }] }),
    bound: { key, before: before ?? null, version: version ?? null },
  });
  const isNothing = isChange && effect === undefined;
  return {
    plan,
    isNothing,
    ...(before === undefined ? {} : { before }),
    ...(version === undefined ? {} : { version }),
  };
}

interface Conditions {
  readonly ifAbsent?: boolean | undefined;
  readonly ifVersion?: string | undefined;
  readonly ifDamaged?: boolean | undefined;
}

type ChangingCall = 'store' | 'setMetadata' | 'delete' | 'purge' | 'undelete' | 'restoreVersion';

/** The calls that can be made to fail if an object is there. */
const TAKES_ABSENT: ReadonlySet<ChangingCall> = new Set(['store', 'undelete', 'restoreVersion']);

/** Conditions by which a change replaces nothing but `before`. @throws SecureStoreError `CONFLICT`, `INTEGRITY`, `NOT_FOUND` */
function conditionsFor(call: ChangingCall, key: string, before: string, given: Conditions = {}): Conditions {
  parseCondition(given);
  const { ifAbsent, ifVersion, ifDamaged } = given;
  const isMeant =
    (ifAbsent !== true || before === NONE) &&
    (ifVersion === undefined || ifVersion === before) &&
    (ifDamaged !== true || before === DAMAGED);
  if (!isMeant) {
    const currentVersion = before === NONE || before === DAMAGED ? undefined : before;
    const message = 'the object does not meet the condition of the call';
    throw new SecureStoreError('CONFLICT', message, { key, currentVersion, advice: [{ id: 'read-again', key }] });
  }
  if (before === NONE) {
    if (TAKES_ABSENT.has(call)) return { ifAbsent: true };
    throw new SecureStoreError('NOT_FOUND', 'the object does not exist', { key });
  }
  if (before !== DAMAGED) return { ifVersion: before };
  if (call === 'purge' || ifDamaged === true) return { ifDamaged: true };
  throw new SecureStoreError('INTEGRITY', 'the record of the object is damaged. Nothing was changed.', {
    key,
    advice: [
      { id: 'repair-object', key },
      { id: 'restore-object', key },
      { id: 'overwrite-damaged', key },
    ],
  });
}

/** What is planned of an attempt about one object, for each of its actions that takes an approval. */
export class ObjectPlans {
  readonly #storage: SecureStorage;
  readonly #key: string;
  readonly #which: Which;
  readonly #plans = new Map<Action, ObjectPlan>();

  constructor(storage: SecureStorage, key: string, which: Which = {}) {
    this.#storage = storage;
    this.#key = key;
    this.#which = which;
  }

  /** Works out what an action would do. */
  async plan(action: Action, signal?: AbortSignal): Promise<ObjectPlan> {
    const planned = await planObject(action as ObjectAction, this.#key, this.#which, {
      storage: this.#storage,
      signal,
    });
    this.#plans.set(action, planned);
    return planned;
  }

  /**
   * Whether what was read is what was approved; so it is if it took no approval.
   *
   * @throws SecureStoreError `ACCESS_DENIED` if it was replaced meanwhile
   */
  checkRead(call: string, version: string): void {
    const approved = this.#plans.get('read')?.version;
    if (approved !== undefined && approved !== version) throw unapproved(call, ['read'], this.#key, true);
  }

  /** Whether reading took an approval. */
  get isBound(): boolean {
    return this.#plans.has('read');
  }

  /** The version that is made current again by what was approved. */
  get recovered(): string | undefined {
    return this.#plans.get('recover')?.version;
  }

  /** Whether a deletion was planned of which it is known that it deletes nothing. */
  get isNothing(): boolean {
    return [...this.#plans.values()].some(({ isNothing }) => isNothing);
  }

  /**
   * Conditions by which a call replaces nothing but what was approved; none if it took no approval.
   *
   * @throws SecureStoreError `CONFLICT` if a condition of the caller's own says another thing; `NOT_FOUND`, `INTEGRITY` for what is not there, or
   *   damaged, as the call without an approval
   */
  conditions(call: ChangingCall, given: Conditions | undefined): Conditions {
    const before = [...this.#plans.values()].find((plan) => plan.before !== undefined)?.before;
    return before === undefined ? {} : conditionsFor(call, this.#key, before, given);
  }
}

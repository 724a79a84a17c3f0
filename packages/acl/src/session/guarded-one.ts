import { parseStoreKey } from '@securestore/core-format';
import type { CallOptions, ChangedObject, SecureStorage } from '@securestore/objects';
import { withOneEnd } from '@securestore/objects/internal';
import { changesNothing } from '../rules/actions.ts';
import type { ObjectAction } from '../rules/actions.ts';
import type { Checks, Planner } from '../guard/checks.ts';
import type { ObjectPlans } from '../approval/object-plan.ts';
import { refusalIn } from '../rules/refusals.ts';
import { isShown } from '../guard/session-guard.ts';
import { SURFACE } from '../guard/surface.ts';

/** A call about one object. */
export interface ObjectCall<O, T> {
  /** What it would do. */
  readonly plans: ObjectPlans;
  readonly run: (options: O | undefined) => Promise<T>;
  /** What it takes beside its own action; if that has to be looked up, it is only for those who may do its own. */
  readonly also?: readonly ObjectAction[] | ((signal?: AbortSignal) => Promise<readonly ObjectAction[]>);
}

/**
 * A call about one object: it is asked before anything is done, and again before it is told, as what was taken away meanwhile counts.
 */
export async function guardedOne<O extends CallOptions, T>(
  checks: Checks,
  call: keyof SecureStorage,
  key: string,
  given: O | undefined,
  { plans, run, also = [] }: ObjectCall<O, T>,
): Promise<T> {
  const own = SURFACE[call];
  const options = withOneEnd(given);
  await checks.confirmOpen(call, options?.signal);
  const more =
    typeof also !== 'function' ? also : checks.may(own, parseStoreKey(key)).allowed ? await also(options?.signal) : [];
  const actions = [own, ...more];
  const plan: Planner = async (action, signal) => {
    const planned = await plans.plan(action, signal);
    // That there is nothing to be deleted is told to whoever may know what there is.
    return { plan: planned.plan, isFree: planned.isNothing && isShown(checks, key) };
  };
  await checks.begin(call, parseStoreKey(key), actions, options?.signal, plan);
  try {
    return await run(options);
  } catch (error) {
    throw refusalIn(error);
  } finally {
    // That there is nothing is told to nobody else either.
    if (changesNothing(SURFACE[call])) checks.still(call, key, actions);
  }
}

/** As {@link guardedOne}, for a change that keeps what was there. Only whoever may read the object is told of that. */
export async function changedOne<O extends CallOptions, M extends object>(
  checks: Checks,
  call: 'setMetadata' | 'undelete' | 'restoreVersion',
  key: string,
  given: O | undefined,
  asked: ObjectCall<O, ChangedObject<M>>,
): Promise<ChangedObject<M>> {
  const info = await guardedOne(checks, call, key, given, asked);
  if (isShown(checks, key, 'read')) return info;
  const { version, modified } = info;
  return { key: info.key, version, modified };
}

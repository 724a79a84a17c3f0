import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { ItemResult, ManyOptions } from '@securestore/objects';
import { changesNothing } from '../rules/actions.ts';
import type { ObjectAction } from '../rules/actions.ts';
import type { Checks, Planner } from '../guard/checks.ts';
import type { ObjectPlans } from '../approval/object-plan.ts';
import { refusalIn, unwrapped } from '../rules/refusals.ts';
import { isShown } from '../guard/session-guard.ts';
import { SURFACE } from '../guard/surface.ts';

/** Whose key an item is about, what is passed on of it, and what it takes beside the call's own action. */
export interface ParsedItem<I> {
  readonly key: string;
  readonly item: I;
  readonly also?: readonly ObjectAction[];
  /** What would be done with it. */
  readonly plans: ObjectPlans;
  /** What is passed on once it is approved. @throws SecureStoreError what keeps it from being done */
  readonly bound?: () => I;
}

/** A call about many objects. */
export interface ManyCall<I, T> {
  readonly items: Iterable<I> | AsyncIterable<I>;
  readonly options: ManyOptions | undefined;
  readonly parse: (item: I) => ParsedItem<I>;
  readonly run: (allowed: AsyncIterable<I>) => Promise<ItemResult<T>[]>;
  /** Whether what became of an item is what was approved. @throws SecureStoreError `ACCESS_DENIED` */
  readonly check?: (value: T, plans: ObjectPlans) => void;
}

/** The result of an item that fails as `body` does; `undefined` if it doesn't. */
function failureOf(key: string, body: () => unknown): ItemResult<never> | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    if (SecureStoreError.is(error)) return { key, ok: false, error };
    throw error;
  }
}

/** What may be done is done; of the rest each item says that it is denied, in its place. */
export async function guardedMany<I, T>(
  checks: Checks,
  call: 'storeMany' | 'retrieveMany',
  { items, options, parse, run, check: checkResult }: ManyCall<I, T>,
): Promise<ItemResult<T>[]> {
  await checks.confirmOpen(call, options?.signal);
  const refusals: (ItemResult<T> | undefined)[] = [];
  const actions = [SURFACE[call]];
  const refusalOf = async (
    key: string,
    check: (key: string) => Promise<void> | void,
  ): Promise<ItemResult<T> | undefined> => {
    try {
      await checks.ready(call, options?.signal);
      await check(key);
      return undefined;
    } catch (error) {
      if (SecureStoreError.is(error, 'ACCESS_DENIED') || SecureStoreError.is(error, 'UNAVAILABLE'))
        return { key, ok: false, error };
      // What is no key is for the store to refuse, in the item's place.
      if (SecureStoreError.is(error, 'INVALID_KEY')) return undefined;
      throw error;
    }
  };
  const first = (key: string, plans: ObjectPlans, also: readonly ObjectAction[] = []): Promise<void> | undefined => {
    const plan: Planner = async (action, signal) => {
      const planned = await plans.plan(action, signal);
      return { plan: planned.plan, isFree: planned.isNothing && isShown(checks, key) };
    };
    return checks.begin(call, parseStoreKey(key), [...actions, ...also], options?.signal, plan);
  };
  const plansOf: ObjectPlans[] = [];
  const still = (key: string): void => checks.still(call, parseStoreKey(key), actions);
  async function* allowed(): AsyncGenerator<I> {
    for await (const given of items) {
      const { key, item, also, plans, bound = () => item } = parse(given);
      const refusal = (await refusalOf(key, () => first(key, plans, also))) ?? failureOf(key, bound);
      refusals.push(refusal);
      if (refusal !== undefined) continue;
      plansOf.push(plans);
      yield bound();
    }
  }
  const ran = await run(allowed()).catch((error: unknown) => {
    throw refusalIn(error);
  });
  const checked = ran.map((result, index): ItemResult<T> => {
    const plans = plansOf[index];
    if (!result.ok || plans === undefined || checkResult === undefined) return result;
    return failureOf(result.key, () => checkResult(result.value, plans)) ?? result;
  });
  const results = checked.values();
  const told = refusals.flatMap((refusal) => refusal ?? results.next().value ?? []).map(unwrapped);
  if (!changesNothing(SURFACE[call])) return told;
  const allowedStill: ItemResult<T>[] = [];
  for (const item of told) allowedStill.push((await refusalOf(item.key, still)) ?? item);
  return allowedStill;
}

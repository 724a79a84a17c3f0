import { parseStoreKey } from '@securestore/core-format';
import type { CallOptions, SecureStorage } from '@securestore/objects';
import { withOneEnd } from '@securestore/objects';
import { changesNothing } from './actions.ts';
import type { ObjectAction } from './actions.ts';
import type { Checks } from './checks.ts';
import { refusalIn } from './refusals.ts';
import { SURFACE } from './surface.ts';

/**
 * A call about one object: it is asked before anything is done, and again before it is told, as what was taken away meanwhile counts.
 *
 * @param also what it takes beside its own action
 */
export async function guardedOne<O extends CallOptions, T>(
  checks: Checks,
  call: keyof SecureStorage,
  key: string,
  given: O | undefined,
  run: (options: O | undefined) => Promise<T>,
  also: readonly ObjectAction[] = [],
): Promise<T> {
  const actions = [SURFACE[call], ...also];
  const options = withOneEnd(given);
  await checks.confirmOpen(call, options?.signal);
  await checks.begin(call, parseStoreKey(key), actions, options?.signal);
  try {
    return await run(options);
  } catch (error) {
    throw refusalIn(error);
  } finally {
    // That there is nothing is told to nobody else either.
    if (changesNothing(SURFACE[call])) checks.still(call, key, actions);
  }
}

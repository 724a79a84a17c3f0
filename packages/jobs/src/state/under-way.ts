import { isDeepStrictEqual } from '@securestore/core-format';
import type { JobState } from './state.ts';
import type { JobKind } from './types.ts';

/**
 * The state from which a job continues. If the owner of the work says what is under way, that counts, and the stored state
 * only if it belongs to that.
 *
 * @param fresh a state of a job that has not begun
 * @returns `undefined` if there is nothing to resume
 */
export async function stateUnderWay(
  kind: Pick<JobKind<unknown, unknown>, 'name' | 'underWay'>,
  found: JobState | undefined,
  fresh: (parameters: unknown) => JobState,
): Promise<JobState | undefined> {
  if (kind.underWay === undefined) return found;
  const parameters = await kind.underWay();
  if (parameters === undefined) return undefined;
  const isOfIt = found?.kind === kind.name && isDeepStrictEqual(found.parameters, parameters);
  return isOfIt ? found : fresh(parameters);
}

import { isDeepStrictEqual } from 'node:util';
import type { JobState } from './state.ts';
import type { JobKind } from './types.ts';

/**
 * The state from which a job goes on. Where the owner of the work says what is under way, that counts, and what is stored
 * only where it is of that.
 *
 * @param fresh a state of a job that has not begun
 * @returns `undefined` where there is nothing to go on with
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

/**
 * The health of an open store, without what its calls do: the first of them loads that. For programs that may never ask; everything else is
 * in the entry `.`, which loads it at once.
 */
export { Health } from './health.ts';
export { resolveThresholds } from './report/thresholds.ts';
export { unopened } from './report/unopened.ts';

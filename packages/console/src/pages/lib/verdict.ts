import type { WireRestoreReport } from '@securestore/protocol';
import type { Draft } from './draft-types.ts';

/** What a plan comes to: it changes something, or not, stops since something is in the way, or could restore nothing of what it should. */
export type Verdict = 'changes' | 'nothing' | 'stops' | 'fails';

export function verdictOf(plan: WireRestoreReport, { conflict }: Pick<Draft, 'conflict'>): Verdict {
  const { created, replaced, renamed, deleted, skipped, failed } = plan;
  if (conflict === 'fail' && skipped > 0) return 'stops';
  if (created + replaced + renamed + deleted > 0) return 'changes';
  return failed.length > 0 ? 'fails' : 'nothing';
}

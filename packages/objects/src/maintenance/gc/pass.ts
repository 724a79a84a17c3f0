import type { MayForget } from '../../journal/late-deletions.ts';
import type { Engine } from '../../engine/engine.ts';
import { isOld } from '../../record/backend-age.ts';
import type { CollectReport } from './report.ts';
import type { RetentionRules } from './retention.ts';
import { forgettable } from './retention.ts';
import { VersionFloor } from './version-floor.ts';

/** What the parts of one pass share. */
export interface Pass {
  readonly engine: Engine;
  readonly report: CollectReport;
  readonly floor: VersionFloor;
  /** When it began, in milliseconds since 1970 by the backend's clock: whatever comes later counts as younger. */
  readonly now: number;
  readonly rules: RetentionRules;
  readonly mayForget: MayForget;
  readonly signal: AbortSignal | undefined;
}

/** What a pass is given to begin with. */
export type PassStart = Pick<Pass, 'report' | 'now' | 'mayForget' | 'signal'> & Pick<RetentionRules, 'unreadSince'>;

export function newPass(engine: Engine, { report, now, mayForget, signal, unreadSince }: PassStart): Pass {
  const { history } = engine.watcher.state.head;
  const { gracePeriod } = engine;
  const isOldNow = (modified: number): boolean => isOld(engine, modified, now);
  const rules: RetentionRules = { history, now, gracePeriod, unreadSince, isOld: isOldNow };
  const floor = new VersionFloor(engine, forgettable(rules));
  return { engine, report, floor, now, rules, mayForget, signal };
}

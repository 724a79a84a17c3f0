import type { RecordHeader } from '@securestore/core-format';
import type { Engine } from '../engine.ts';
import { isOld } from './age.ts';
import type { CollectReport } from './report.ts';
import type { RetentionRules } from './retention.ts';
import { forgettable } from './retention.ts';
import { VersionFloor } from './version-floor.ts';

/** Whether what others still need to know of a deleted object lets it be forgotten. */
export type MayForget = (token: string, header: RecordHeader) => boolean | Promise<boolean>;

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

export function newPass(
  engine: Engine,
  now: number,
  report: CollectReport,
  mayForget: MayForget,
  signal: AbortSignal | undefined,
): Pass {
  const { history } = engine.watcher.state.head;
  const { gracePeriod } = engine;
  const rules = { history, now, gracePeriod, isOld: (modified: number) => isOld(engine, modified, now) };
  const floor = new VersionFloor(engine, forgettable(rules));
  return { engine, report, floor, now, rules, mayForget, signal };
}

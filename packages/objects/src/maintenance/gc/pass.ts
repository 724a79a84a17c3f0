import type { MayForget } from '../../journal/late-deletions.ts';
import type { Engine } from '../../engine/engine.ts';
import { isOld } from '../../record/backend-age.ts';
import type { GcReport } from './report.ts';
import type { RetentionRules } from './retention.ts';
import { forgettable } from './retention.ts';
import { commitHead } from '../../engine/commit-head.ts';

/** What the parts of one pass share. */
export interface CollectionPass {
  readonly engine: Engine;
  readonly report: GcReport;
  readonly floor: VersionFloor;
  /** When it began, in milliseconds since 1970 by the backend's clock: whatever comes later counts as younger. */
  readonly now: number;
  readonly rules: RetentionRules;
  readonly mayForget: MayForget;
  readonly signal: AbortSignal | undefined;
}

/** What a pass is given to begin with. */
export type CollectionStart = Pick<CollectionPass, 'report' | 'now' | 'mayForget' | 'signal'> &
  Pick<RetentionRules, 'unreadSince'>;

export function beginCollection(
  engine: Engine,
  { report, now, mayForget, signal, unreadSince }: CollectionStart,
): CollectionPass {
  const { history } = engine.monitor.state.head;
  const { gracePeriod } = engine;
  const isOldNow = (modified: number): boolean => isOld(engine, modified, now);
  const rules: RetentionRules = { history, now, gracePeriod, unreadSince, isOld: isOldNow };
  const floor = new VersionFloor(engine, forgettable(rules));
  return { engine, report, floor, now, rules, mayForget, signal };
}

/**
 * Sees to it that nothing is forgotten whose number could be given again: the floor of the head is raised first, at
 * most once in a pass, to all that the pass may forget.
 */
export class VersionFloor {
  readonly #engine: Engine;
  readonly #target: number;
  #raising: Promise<void> | undefined;

  /** @param target the greatest version that the pass may forget */
  constructor(engine: Engine, target: number) {
    this.#engine = engine;
    this.#target = target;
  }

  /** Returns once no version up to `version` will be made again. @throws SecureStoreError as {@link commitHead} */
  async cover(version: number, signal: AbortSignal | undefined): Promise<void> {
    if (version <= this.#engine.monitor.state.head.versionFloor && this.#raising === undefined) return;
    this.#raising ??= this.#raise(signal);
    await this.#raising;
  }

  async #raise(signal: AbortSignal | undefined): Promise<void> {
    const versionFloor = this.#target;
    const raised = await commitHead(this.#engine, { signal }, async ({ head }) =>
      head.versionFloor >= versionFloor ? undefined : { head: { versionFloor } },
    );
    // Until then somebody may acknowledge a version that was numbered under the old floor.
    if (raised) await this.#engine.monitor.quiesce(signal);
  }
}

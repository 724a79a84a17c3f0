import type { HistorySettings } from '@securestore/core-format';
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
  /** Set if nothing is to be changed: what would be removed is noted here, and counted. */
  readonly plan: RemovalPlan | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Versions and payloads that a pass would have removed of the object that it has come to. Later steps depend on that: a payload goes with the last version that
 * has it, and a deletion is forgotten once no version is left.
 */
export class RemovalPlan {
  readonly #versions = new Set<string>();
  readonly #blobs = new Set<string>();

  /** Forgets what was noted of the object before. */
  begin(): void {
    this.#versions.clear();
    this.#blobs.clear();
  }

  /** @param name of a record in the history */
  addVersion(name: string): void {
    this.#versions.add(name);
  }

  hasVersion(name: string): boolean {
    return this.#versions.has(name);
  }

  /** @param blob in base32 */
  addBlob(blob: string): void {
    this.#blobs.add(blob);
  }

  hasBlob(blob: string): boolean {
    return this.#blobs.has(blob);
  }
}

/** What a pass is given to begin with. */
export type CollectionStart = Pick<CollectionPass, 'report' | 'now' | 'mayForget' | 'plan' | 'signal'> &
  Pick<RetentionRules, 'unreadSince'> & {
    /** Instead of that of the store. */
    readonly history?: HistorySettings | undefined;
  };

export function beginCollection(
  engine: Engine,
  { report, now, mayForget, plan, signal, unreadSince, history = engine.monitor.state.head.history }: CollectionStart,
): CollectionPass {
  const { gracePeriod } = engine;
  const isOldNow = (modified: number): boolean => isOld(engine, modified, now);
  const rules: RetentionRules = { history, now, gracePeriod, unreadSince, isOld: isOldNow };
  const floor = new VersionFloor(engine, forgettable(rules));
  return { engine, report, floor, now, rules, mayForget, plan, signal };
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

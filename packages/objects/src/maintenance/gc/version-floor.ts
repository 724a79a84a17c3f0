import type { Engine } from '../../engine/engine.ts';
import { changeHead } from '../../engine/commit-head.ts';

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

  /** Returns once no version up to `version` will be made again. @throws SecureStoreError as {@link changeHead} */
  async cover(version: number, signal: AbortSignal | undefined): Promise<void> {
    if (version <= this.#engine.watcher.state.head.versionFloor && this.#raising === undefined) return;
    this.#raising ??= this.#raise(signal);
    await this.#raising;
  }

  async #raise(signal: AbortSignal | undefined): Promise<void> {
    const versionFloor = this.#target;
    const raised = await changeHead(
      this.#engine,
      async ({ head }) => (head.versionFloor >= versionFloor ? undefined : { head: { versionFloor } }),
      signal,
    );
    // Until then somebody may acknowledge a version that was numbered under the old floor.
    if (raised) await this.#engine.watcher.settle(signal);
  }
}

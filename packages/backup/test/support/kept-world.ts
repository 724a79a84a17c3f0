import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import { copyOf, keptAt } from '../../../objects/test/support/kept-place.ts';
import type { World } from './worlds.ts';

/** A world whose store no process has open. */
export type ClosedWorld = Omit<World, 'store'>;

/**
 * Makes a world once, and copies of it from then on.
 *
 * @param make makes a world in memory, closes its store, and says more about it
 */
export function worldMadeOnce<More extends object>(
  make: () => Promise<ClosedWorld & More>,
): () => Promise<ClosedWorld & More> {
  const keep = async () => {
    const made = await make();
    return {
      made,
      now: made.clock.now(),
      source: await keptAt(made.source),
      destination: await keptAt(made.destination),
    };
  };
  let keeping: ReturnType<typeof keep> | undefined;
  return async () => {
    const kept = await (keeping ??= keep());
    const clock = new EagerClock(kept.now);
    const source = await copyOf(kept.source, clock);
    return { ...kept.made, clock, source, destination: await copyOf(kept.destination, clock) };
  };
}

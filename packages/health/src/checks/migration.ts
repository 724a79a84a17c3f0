import type { HealthArea, UnfinishedMigration } from '@securestore/objects/internal';
import type { HealthCheck, HealthSource } from '../report/types.ts';
import { finding, fine } from '../report/verdict.ts';
import { age as inWords } from '../report/words.ts';

/** After so many milliseconds in which nobody was at it, a migration was forgotten. */
const FORGOTTEN = 24 * 60 * 60 * 1000;

/** @param now milliseconds since 1970 */
function judgeMigration({ to, since, isRunning }: UnfinishedMigration, now: number): HealthCheck {
  const idle = Math.max(0, now - since);
  const details = { figures: { idle: isRunning ? 0 : idle } };
  if (isRunning) return fine('migration', `the store is being migrated to ${to}`, details);
  const reason = `a migration to ${to} has not been resumed for ${inWords(idle)}: the store is still here`;
  if (idle < FORGOTTEN) return fine('migration', reason, details);
  const advice =
    'resume it by the same "securestore migrate", or cancel it by "securestore migrate <this store> --cancel"; rotations and restores wait until then';
  return finding('migration', 'degraded', [reason, advice], details);
}

/** Looks whether the store is to move, which nothing else shows where that was interrupted. */
export function migrationSource(area: HealthArea): HealthSource {
  return {
    // What keeps it from being looked at the others tell: few stores are to move.
    names: [],
    check: async ({ signal }) => {
      await area.readHead(signal);
      const migration = await area.migration(signal);
      return migration === undefined ? [] : [judgeMigration(migration, area.clock.now())];
    },
  };
}

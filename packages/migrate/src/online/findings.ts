import { AREAS, historyPrefix, splitUnderToken } from '@securestore/core-format';
import type { Finding } from '@securestore/objects';
import type { MigrationFailure } from './types.ts';

/**
 * Names whose findings follow from objects that could not be moved: these names, and the history or payload that each belongs to.
 */
export function namesToldOf(failed: ReadonlyMap<string, MigrationFailure>): ReadonlySet<string> {
  const told = new Set<string>();
  for (const name of failed.keys()) {
    told.add(name);
    const history = splitUnderToken(AREAS.history, name);
    if (name.startsWith(AREAS.history) && history !== undefined) told.add(historyPrefix(history.token));
    if (name.startsWith(AREAS.blobs)) told.add(name.slice(0, name.lastIndexOf('/')));
  }
  return told;
}

/** A finding as a report of a migration lists it. */
export function failureOf({ kind, name, key, message }: Finding): MigrationFailure {
  const isDamage = kind === 'damaged' || kind === 'payload';
  return { name, ...(key === undefined ? {} : { key }), code: isDamage ? 'INTEGRITY' : 'ROLLBACK', message };
}

import { AREAS, historyPrefix, splitUnderToken } from '@securestore/core-format';
import type { Finding } from '@securestore/objects';
import type { FailedMove } from './types.ts';

/**
 * What is wrong because of what could not be moved, and is told of by that: what each of these names says, and what it lies in, be that a
 * history or a payload.
 */
export function namesToldOf(failed: ReadonlyMap<string, FailedMove>): ReadonlySet<string> {
  const told = new Set<string>();
  for (const name of failed.keys()) {
    told.add(name);
    const history = splitUnderToken(AREAS.history, name);
    if (name.startsWith(AREAS.history) && history !== undefined) told.add(historyPrefix(history.token));
    if (name.startsWith(AREAS.blobs)) told.add(name.slice(0, name.lastIndexOf('/')));
  }
  return told;
}

/** As a report of a migration tells of it. */
export function failureOf({ kind, name, message }: Finding): FailedMove {
  const isDamage = kind === 'damaged' || kind === 'payload';
  return { name, code: isDamage ? 'INTEGRITY' : 'ROLLBACK', message };
}

import type { Operation } from '../operations.ts';
import { isMutation } from '../operations.ts';
import type { Recorded } from '../world.ts';

const versionOf = ({ outcome }: Operation): string | undefined =>
  outcome.type === 'ok' ? outcome.content?.version : undefined;

/** No acknowledged write is left under a key that a rotation has replaced. What was never acknowledged may land late. */
export function replacedKeys({ operations, rotated, primaries }: Recorded): string[] {
  if (!rotated) return [];
  const acknowledged = new Set(operations.filter(({ action }) => isMutation(action)).map(versionOf));
  return operations
    .filter(({ process, outcome }) => process === 'observer' && outcome.type === 'ok')
    .filter((operation) => acknowledged.has(versionOf(operation)))
    .filter(({ outcome }) => outcome.type === 'ok' && !primaries.has(outcome.content?.keyVersion ?? ''))
    .filter((operation) => versionOf(operation) !== undefined)
    .map((operation) => `#${operation.id} finds ${versionOf(operation)} under a key that was replaced`);
}

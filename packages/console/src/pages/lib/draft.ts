import { computed } from '@preact/signals';
import type { Chosen, Draft, Point } from './draft-types.ts';
import { amend, place } from './router.ts';

/** How many keys one restore may name. */
const MAX_KEYS = 10_000;

export const EMPTY_DRAFT: Draft = {
  point: {},
  chosen: { type: 'nothing' },
  target: { type: 'place', deleteExtra: false },
  conflict: 'overwrite',
};

export const draft = computed<Draft>(() => place.value.state.draft ?? EMPTY_DRAFT);

/** Changes the recovery, where somebody is. */
export function change(changes: Partial<Draft>): void {
  amend({ draft: { ...draft.peek(), ...changes } });
}

/** What a moment is asked for by. */
export function pointQuery({ at, snapshot }: Point): { readonly at?: string; readonly snapshot?: number } {
  if (snapshot !== undefined) return { snapshot };
  return at === undefined ? {} : { at };
}

/** The same, where the destination is asked for as well. */
export function momentQuery({
  destination,
  point,
}: Pick<Draft, 'destination' | 'point'>): Record<string, string | number> {
  return { ...(destination !== undefined && { destination }), ...pointQuery(point) };
}

export function isChosen(chosen: Chosen, key: string): boolean {
  if (chosen.type === 'everything') return true;
  if (chosen.type === 'prefix') return key.startsWith(chosen.prefix);
  return chosen.type === 'keys' && chosen.keys.includes(key);
}

/** Whether something is chosen with what it is in. */
export function isCovered(chosen: Chosen, key: string): boolean {
  return chosen.type !== 'keys' && isChosen(chosen, key) && !(chosen.type === 'prefix' && chosen.prefix === key);
}

/** One key more, or less. A folder takes the place of keys, and keys that of a folder; what is covered stays so. */
export function toggled(chosen: Chosen, key: string): Chosen {
  if (isCovered(chosen, key)) return chosen;
  if (key.endsWith('/')) {
    return chosen.type === 'prefix' && chosen.prefix === key ? { type: 'nothing' } : { type: 'prefix', prefix: key };
  }
  const keys = chosen.type === 'keys' ? chosen.keys : [];
  const rest = keys.filter((one) => one !== key);
  if (rest.length < keys.length) return rest.length === 0 ? { type: 'nothing' } : { type: 'keys', keys: rest };
  return keys.length >= MAX_KEYS ? chosen : { type: 'keys', keys: [...keys, key] };
}

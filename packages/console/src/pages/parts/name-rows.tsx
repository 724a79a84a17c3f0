import type { JSX } from 'preact';
import { draft, isChosen, isCovered } from '../lib/draft.ts';
import { Name } from './basics.tsx';

/** How many more there are when somebody asks for more. */
export const MANY = 10_000;

/** How far a listing has got, where that takes its time. */
export function Progress({ of: part, what }: { readonly of: number; readonly what: string }): JSX.Element {
  return (
    <span class="looking" role="status">
      <progress max={1} value={part} aria-label={what} /> {Math.floor(part * 100)} % looked through
    </span>
  );
}

/** Chooses a key of a list to be restored. */
export function ChooseKey({ of: key, onToggle }: { readonly of: string; readonly onToggle: () => void }): JSX.Element {
  return (
    <input
      type="checkbox"
      tabIndex={-1}
      aria-label={`Choose ${key}`}
      checked={isChosen(draft.value.chosen, key)}
      disabled={isCovered(draft.value.chosen, key)}
      onChange={onToggle}
    />
  );
}

/** Opens a key of a list. */
export function OpenKey({ of: key, onOpen }: { readonly of: string; readonly onOpen: () => void }): JSX.Element {
  return (
    <button type="button" class="entry object" tabIndex={-1} onClick={onOpen}>
      <Name of={key} />
    </button>
  );
}

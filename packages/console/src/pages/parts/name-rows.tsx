import type { ComponentChildren, JSX } from 'preact';
import { draft, isChosen, isCovered } from '../lib/draft.ts';
import { count } from '../lib/format.ts';
import type { Listing } from '../lib/listing.ts';
import { Button, Name } from './basics.tsx';

/** How many are looked for at once, to be put in order together. */
export const MANY = 10_000;

/** In the order of names. */
export const byKey = (one: { readonly key: string }, other: { readonly key: string }): number =>
  one.key < other.key ? -1 : one.key > other.key ? 1 : 0;

/** What there is to say of the rows that were found, in their order. */
export function FoundFoot({
  listing: { rows, hasMore, isLoading, progress, more },
  what,
  children,
}: {
  readonly listing: Listing<unknown>;
  /** What they are, such as `found`. */
  readonly what: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <p class="rows-foot" aria-live="polite">
      <span>
        {count(rows.length)} {what}
        {hasMore ? ' so far' : ''}
        {rows.length > 1 ? ', sorted by name' : ''}
        {hasMore ? '.' : '; that is all.'}
      </span>
      {hasMore && <Progress of={progress} what="How much was looked through" />}
      {hasMore && !isLoading && <Button onPress={() => more(MANY)}>Look further</Button>}
      {children}
    </p>
  );
}

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
      autocomplete="off"
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

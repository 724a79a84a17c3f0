import { signal } from '@preact/signals';
import type { Draft } from './draft-types.ts';

/**
 * What a place in the pages needs beside its address. Names of objects stand here and not in the address: the browser keeps addresses in
 * its history, and this only for as long as the tab is there.
 */
export interface PlaceState {
  readonly draft?: Draft | undefined;
  readonly prefix?: string | undefined;
  readonly key?: string | undefined;
  readonly contains?: string | undefined;
  readonly work?: string | undefined;
  /** How many objects a restore is about, by its plan. */
  readonly expected?: number | undefined;
}

/** Where somebody is. */
export interface Place {
  /** Such as `/recover/browse`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly state: PlaceState;
  /** Another one for each step, also to where somebody is already. */
  readonly step: number;
}

let steps = 0;

function here(): Place {
  const [path = '', query = ''] = location.hash.replace(/^#/, '').split('?');
  const state = (history.state ?? {}) as PlaceState;
  return { path: path === '' ? '/' : path, query: new URLSearchParams(query), state, step: steps++ };
}

export const place = signal<Place>(here());

addEventListener('popstate', () => {
  place.value = here();
});

/** Goes to another place. Without a state the draft is kept, and nothing else. */
export function go(path: string, state: PlaceState = {}): void {
  const { draft } = place.peek().state;
  history.pushState({ ...(draft !== undefined && { draft }), ...state }, '', `#${path}`);
  place.value = here();
}

/** Changes what is known of the place, and leaves it the same step of the history. */
export function amend(state: PlaceState): void {
  history.replaceState({ ...place.peek().state, ...state }, '', location.hash || '#/');
  place.value = { ...here(), step: place.peek().step };
}

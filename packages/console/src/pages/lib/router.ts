import { signal } from '@preact/signals';
import type { Draft } from './draft-types.ts';
import { atEnd } from './ending.ts';

/**
 * What a place in the pages needs beside its address. Names of objects are here, in memory alone: browsers write the
 * addresses and the states of a history to the disk.
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

/** More than any browser has of steps in the history of a tab. */
const MOST_STATES = 100;

/** The states of steps by the ids that the history has of them. After a reload, or the end of a session, an id means nothing. */
const states = new Map<string, PlaceState>();

let steps = 0;

/** Remembers a state. @returns what the history gets of it */
function remember(state: PlaceState): string {
  const id = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('');
  states.set(id, state);
  const [oldest] = states.keys();
  if (states.size > MOST_STATES && oldest !== undefined) states.delete(oldest);
  return id;
}

function here(): Place {
  const [path = '', query = ''] = location.hash.replace(/^#/, '').split('?');
  const state = states.get(String(history.state)) ?? {};
  return { path: path === '' ? '/' : path, query: new URLSearchParams(query), state, step: steps++ };
}

export const place = signal<Place>(here());

addEventListener('popstate', () => {
  place.value = here();
});

/** Goes to another place. Without a state the draft is kept, and nothing else. */
export function go(path: string, state: PlaceState = {}): void {
  const { draft } = place.peek().state;
  history.pushState(remember({ ...(draft !== undefined && { draft }), ...state }), '', `#${path}`);
  place.value = here();
}

/** Changes what is known of the place, and leaves it the same step of the history. */
export function amend(state: PlaceState): void {
  const next = { ...place.peek().state, ...state };
  states.delete(String(history.state));
  history.replaceState(remember(next), '', location.hash || '#/');
  place.value = { ...here(), step: place.peek().step };
}

atEnd(() => {
  states.clear();
  place.value = here();
});

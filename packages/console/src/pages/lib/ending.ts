import { signal } from '@preact/signals';

/** Why somebody who was signed in is not any more; `undefined` while nothing ended, and after they signed out here. */
export const ended = signal<string | undefined>(undefined);

const endings = new Set<() => void>();
let session = new AbortController();

/**
 * Has something forgotten at the end of each session. Whatever a module keeps of a session outside a component is
 * forgotten by this; what components keep goes with them.
 *
 * @returns takes that back
 */
export function atEnd(act: () => void): () => void {
  endings.add(act);
  return () => void endings.delete(act);
}

/** Aborts when the session ends. The next session has another one. */
export function untilEnd(): AbortSignal {
  return session.signal;
}

/** Forgets all that this page holds of the session. */
export function forget(): void {
  session.abort();
  session = new AbortController();
  // The newest first: what they say is forgotten by the older ones.
  for (const act of [...endings].toReversed()) act();
}

/** Ends the session in this page, for the next person to sign in. @param why what they are told */
export function end(why?: string): void {
  history.replaceState(null, '', '#/');
  forget();
  ended.value = why;
}

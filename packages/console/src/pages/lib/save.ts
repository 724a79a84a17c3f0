import { atEnd } from './ending.ts';

/** How long the browser may take to begin with a file, in milliseconds. */
const TAKEN_WITHIN = 10_000;

/** Saves a text as a file of whoever looks. */
export function saveText(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // Not at once: the browser has to have taken it.
  const timer = setTimeout(revoke, TAKEN_WITHIN);
  const leave = atEnd(revoke);
  function revoke(): void {
    clearTimeout(timer);
    leave();
    URL.revokeObjectURL(url);
  }
}

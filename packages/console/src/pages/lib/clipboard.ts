import { signal } from '@preact/signals';
import { atEnd } from './ending.ts';

/** How long a value stays in the clipboard, if the browser lets the page take it out again, in milliseconds. */
export const CLEARED_AFTER = 30_000;

/** Whether a value that was copied here may still be in the clipboard. */
export const isValueCopied = signal(false);

/** The digest of what was copied, by which it is known again: the value itself is not kept for that. */
let copied: Uint8Array | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

/** Puts a value into the clipboard, and takes it out again later if the browser allows that. @throws what the browser refuses with */
export async function copyValue(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  await valueIsCopied(text);
}

/** Takes a text with a value out of the clipboard later, in which it was put otherwise, if the browser allows that. */
export async function valueIsCopied(text: string): Promise<void> {
  isValueCopied.value = true;
  copied = await digestOf(text);
  clearTimeout(timer);
  timer = setTimeout(() => void clearIfHeld(), CLEARED_AFTER);
}

/** Empties the clipboard, whatever is in it. @throws what the browser refuses with */
export async function clearClipboard(): Promise<void> {
  await navigator.clipboard.writeText('');
  copied = undefined;
  isValueCopied.value = false;
}

/** Whether the page may read the clipboard without the browser asking anybody. */
async function mayRead(): Promise<boolean> {
  const name = 'clipboard-read' as PermissionName;
  return navigator.permissions.query({ name }).then(
    ({ state }) => state === 'granted',
    () => false,
  );
}

/** Empties the clipboard if the value is still in it. Without the focus of the window that waits for it. */
async function clearIfHeld(): Promise<void> {
  clearTimeout(timer);
  const value = copied;
  if (value === undefined || !(await mayRead())) return;
  try {
    const held = await digestOf(await navigator.clipboard.readText());
    if (copied !== value) return;
    if (held.every((byte, at) => byte === value[at])) await navigator.clipboard.writeText('');
    copied = undefined;
    isValueCopied.value = false;
  } catch {
    addEventListener('focus', () => void clearIfHeld(), { once: true });
  }
}

atEnd(() => void clearIfHeld());

import { signal } from '@preact/signals';
import { atEnd } from './ending.ts';

/** What a screen reader says next. */
export const announcement = signal('');

/** Has a screen reader say something, when it has said what it says now. */
export function announce(text: string): void {
  // The same twice is said twice.
  announcement.value = announcement.peek() === text ? `${text} ` : text;
}

atEnd(() => (announcement.value = ''));

import { signal } from '@preact/signals';

/** The time, each second while the page is seen: by the clock of whoever looks. */
export const now = signal(Date.now());

setInterval(() => {
  if (document.visibilityState === 'visible') now.value = Date.now();
}, 1000);

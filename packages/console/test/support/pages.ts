import type { Browser } from '../../../../tools/services/src/provide/chromium.ts';
import { inject } from 'vitest';

const found: Browser = inject('chromium');

/** Why there is no browser; `undefined` where there is one. */
export const NO_BROWSER: string | undefined = 'skip' in found ? found.skip : undefined;
/** Where it is. */
export const BROWSER: string = 'path' in found ? found.path : '';

/** The name of a group of tests, with the reason where it is skipped. */
export function named(title: string): string {
  return NO_BROWSER === undefined ? title : `${title} (${NO_BROWSER})`;
}

import { ensureInstalled } from './install.ts';
import { findProgram } from '../service/programs.ts';
import type { Needed } from '../service/service.ts';

/** A browser for the tests of pages: no server, but installed as these are. */
export const chromium: Needed = {
  name: 'chromium',
  programs: ['chromium'],
  folders: [],
  debianPackages: ['chromium'],
};

/** What the same browser is called elsewhere than on Debian. */
const ALIASES = ['chromium', 'chromium-browser', 'google-chrome'] as const;

/** Where the browser is, or why there is none. */
export type Browser = { readonly path: string } | { readonly skip: string };

function found(): string | undefined {
  return ALIASES.map((name) => findProgram(chromium, name)).find((path) => path !== undefined);
}

/**
 * The browser for the tests: the one that `SECURESTORE_TEST_CHROMIUM` names, or Debian's, which is installed where that may be.
 *
 * @throws Error in continuous integration and as root, where there is none
 */
export async function provideChromium(): Promise<Browser> {
  const given = process.env['SECURESTORE_TEST_CHROMIUM'];
  if (given !== undefined && given !== '') return { path: given };
  const root = process.getuid?.() === 0;
  const asked = process.env['SECURESTORE_SERVICES'] === 'install';
  const reason = found() === undefined ? await ensureInstalled(chromium, { root, asked }) : undefined;
  const path = found();
  if (path !== undefined) return { path };
  const skip = reason ?? 'chromium is not found';
  if (root || process.env['CI'] === 'true') throw new Error(`the tests of pages have no browser: ${skip}`);
  console.error(`services: the tests of pages are skipped: ${skip}`);
  return { skip };
}

/**
 * `npm run screenshots -- [part of a name]…`: pictures of every page of the console, into `tools/screenshots/dist`. Those that pages of
 * the documentation show, in `docs/images`, are replaced too.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { closeBrowser, openBrowser, signIn, WIDTHS } from '../../../packages/console/test/support/browser.ts';
import type { Page, Width } from '../../../packages/console/test/support/browser.ts';
import { provideChromium } from '../../services/src/provide/chromium.ts';
import { afterAnAccident, withLongNames, withManyKeys, withoutBackups } from './pasts.ts';
import { SCENES } from './scenes.ts';
import { smallPng } from './small-png.ts';
import type { Served } from './stores.ts';

const FOLDER: string = fileURLToPath(new URL('../dist/', import.meta.url));
const SHOWN: string = fileURLToPath(new URL('../../../docs/images/', import.meta.url));
/** A page may be longer than anybody looks at. */
const MOST = 1700;

const browser = await provideChromium();
if ('skip' in browser) throw new Error(browser.skip);
const wanted = process.argv.slice(2);
await mkdir(FOLDER, { recursive: true });

async function take(page: Page, name: string): Promise<void> {
  await page.evaluate('scrollTo(0, 0)');
  // What it points at looks otherwise.
  await page.mouse.move(0, 0);
  const height = await page.evaluate<number>('document.documentElement.scrollHeight');
  const { width, height: least } = page.viewportSize() ?? WIDTHS.wide;
  await page.setViewportSize({ width, height: Math.max(least, Math.min(height, MOST)) });
  await page.waitForTimeout(250);
  const picture = smallPng(await page.screenshot());
  await writeFile(`${FOLDER}${name}.png`, picture);
  if (existsSync(`${SHOWN}${name}.png`)) await writeFile(`${SHOWN}${name}.png`, picture);
  await page.setViewportSize({ width, height: least });
  console.log(name);
}

const PASTS: Readonly<Record<keyof typeof SCENES, () => Promise<Served>>> = {
  accident: () => afterAnAccident(),
  approval: () => afterAnAccident(true),
  empty: withoutBackups,
  many: () => withManyKeys(),
  long: withLongNames,
};
/** What changes nothing needs one store for all its pictures. */
const SHARED: readonly string[] = ['empty', 'many', 'long'];

for (const past of Object.keys(SCENES) as (keyof typeof SCENES)[]) {
  if (wanted.length > 0 && !wanted.some((part) => past.includes(part))) continue;
  let shared: Served | undefined;
  for (const width of Object.keys(WIDTHS) as Width[]) {
    for (const theme of ['light', 'dark'] as const) {
      const served = shared ?? (await PASTS[past]());
      if (SHARED.includes(past)) shared = served;
      try {
        await using opened = await openBrowser(browser.path, served.url, { width, theme });
        await signIn(opened.page, served.url, served.tokens.ops);
        await SCENES[past](opened.page, served, async (name) => take(opened.page, `${past}-${name}-${width}-${theme}`));
        if (opened.problems.length > 0) console.error(opened.problems);
      } finally {
        if (shared === undefined) await served[Symbol.asyncDispose]();
      }
    }
  }
  await shared?.[Symbol.asyncDispose]();
}
await closeBrowser();

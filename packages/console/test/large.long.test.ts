import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeBrowser, openBrowser, signIn } from './support/browser.ts';
import { BROWSER, named, NO_BROWSER } from './support/pages.ts';
import { browseMoment, find } from './support/steps.ts';
import { world } from './support/world.ts';
import type { World } from './support/world.ts';
import { sized, TORTURE } from '../../../tools/campaigns/src/size.ts';

/** All in one folder. */
const RECORDS = sized({ short: 1200, full: 2500, torture: 100_000 });
const PATIENCE = 600_000;

/** Has the page count what keeps it from answering, from now on. */
const WATCH = `globalThis.long = []; new PerformanceObserver((list) => globalThis.long.push(...list.getEntries().map(({ duration }) => Math.round(duration)))).observe({ type: 'longtask' });`;
const PAINT = `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1`;

describe.skipIf(NO_BROWSER !== undefined)(named('a large store in the pages'), () => {
  let place: World;
  beforeAll(async () => {
    place = await world({ records: RECORDS, isKept: true });
  }, PATIENCE);
  afterAll(() => place.stop());
  afterAll(closeBrowser);

  it(
    `is looked through: a folder of ${RECORDS} keys`,
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      const rowAt = (index: number): Locator => page.locator(`[role=row][aria-rowindex="${index + 2}"]`);
      const times: Record<string, number | string> = {};
      const timed = async (name: string, work: () => Promise<unknown>): Promise<void> => {
        const begun = performance.now();
        await work();
        times[name] = Math.round(performance.now() - begun);
      };
      await signIn(page, place.url, place.tokens.recoverer);
      await page.reload();
      await page.getByText('Recoverable to').waitFor();
      times['first paint'] = Math.round(await page.evaluate<number>(PAINT));
      await browseMoment(page, ['db/', 'prod/']);
      await page.evaluate(WATCH);
      await timed('some names of the folder', async () => {
        await page.getByRole('button', { name: 'records/' }).click();
        await rowAt(0).waitFor();
      });
      await timed('its first names, in order', () => rowAt(0).filter({ hasText: '000000' }).waitFor());

      // To the end, which is not there yet.
      await rowAt(0).focus();
      await timed('all names, by the End key', async () => {
        await page.keyboard.press('End');
        await rowAt(RECORDS - 1).waitFor();
      });
      await expect(rowAt(RECORDS - 1).textContent()).resolves.toContain(String(RECORDS - 1).padStart(6, '0'));
      expect(await page.evaluate('document.activeElement?.getAttribute("aria-rowindex")')).toBe(String(RECORDS + 1));
      await page.getByText(`${RECORDS.toLocaleString('en-GB')} in all, sorted by name.`).waitFor();
      // Of any number only what is seen is there.
      expect(await page.getByRole('row').count()).toBeLessThan(80);
      await timed('back to the first, by the Home key', async () => {
        await page.keyboard.press('Home');
        await rowAt(0).waitFor();
      });

      // One of them, by what it begins with, and by a part of its name.
      const one = String(RECORDS - 7).padStart(6, '0');
      await timed('one by the beginning of its name', async () => {
        await page.getByLabel('Names here that begin with').fill(one);
        await page.getByRole('button', { name: 'Show', exact: true }).click();
        await page.getByText('1 in all.').waitFor();
      });
      await timed('one by a part of its name', async () => {
        await find(page, one.slice(1));
        await page.getByRole('row', { name: new RegExp(one) }).waitFor();
      });
      await timed('the differences with now', async () => {
        await page.getByRole('link', { name: 'Differences' }).click();
        await page
          .getByRole('row', { name: /removed/ })
          .first()
          .waitFor();
      });
      const long = await page.evaluate<number[]>('globalThis.long');
      times['tasks over 50 ms'] = `${long.length}, the longest ${Math.max(0, ...long)}`;
      if (TORTURE) console.log(`${RECORDS} keys, in ms:`, times);
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );
});

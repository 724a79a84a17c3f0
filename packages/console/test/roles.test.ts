import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, signIn } from './support/browser.ts';
import { BROWSER, named, NO_BROWSER } from './support/pages.ts';
import { world } from './support/world.ts';
import type { World } from './support/world.ts';

const LONG = 240_000;

/** Comes to a plan for a key that was overwritten. */
async function planIn(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Start a recovery' }).click();
  await page
    .getByRole('row', { name: /before the accident/ })
    .getByRole('button', { name: /Choose/ })
    .click();
  await page.getByRole('link', { name: 'Look at the store then' }).click();
  await page.getByRole('link', { name: 'Find a key' }).click();
  await page.getByLabel('Part of the name').fill('prod/password');
  await page.getByRole('button', { name: 'Find', exact: true }).click();
  await page
    .getByRole('row', { name: /db\/prod\/password/ })
    .getByRole('checkbox')
    .check();
  await page.getByRole('link', { name: 'Plan the restore' }).click();
}

describe.skipIf(NO_BROWSER !== undefined)(named('who may do what in the pages'), () => {
  let place: World;
  beforeAll(async () => {
    place = await world({ approvals: [{ actions: ['restore.replace'] }] });
  });
  afterAll(() => place.stop());

  it(
    'lets two people restore what one of them may not alone',
    async () => {
      await using first = await openBrowser(BROWSER, place.url);
      await using second = await openBrowser(BROWSER, place.url);
      await signIn(first.page, place.url, place.tokens.recoverer);
      await planIn(first.page);
      await first.page.getByRole('button', { name: 'Make the plan' }).click();
      await first.page.getByText('This takes a second person').waitFor();
      expect(await first.page.getByRole('button', { name: 'Start the restore' }).count()).toBe(0);
      await first.page.getByLabel('What for').fill('the password was overwritten');
      await first.page.getByRole('button', { name: 'Ask for approval' }).click();
      await first.page.getByText('Waits for a second person').waitFor();

      // Whoever asks finds their request, and no way of granting it.
      await using same = await openBrowser(BROWSER, place.url);
      await signIn(same.page, place.url, place.tokens.recoverer);
      await same.page.getByRole('link', { name: 'Approvals' }).click();
      await same.page.getByText('the password was overwritten').waitFor();
      expect(await same.page.getByRole('button', { name: /Approve/ }).count()).toBe(0);

      // The other one finds it under what waits for them, and approves.
      await signIn(second.page, place.url, place.tokens.approver);
      await second.page.getByRole('link', { name: 'Decide' }).click();
      await second.page.getByText('the password was overwritten').waitFor();
      await second.page.getByRole('button', { name: /Approve, once/ }).click();
      await second.page.getByText('approved', { exact: true }).waitFor();

      // The page of the first one goes on by itself.
      await first.page.getByLabel(/to confirm/).fill('db/prod/password');
      await first.page.getByRole('button', { name: 'Start the restore' }).click();
      await first.page.getByText('It is back').waitFor({ timeout: 120_000 });
      expect([...first.problems, ...second.problems, ...same.problems]).toEqual([]);
    },
    LONG,
  );

  it(
    'shows a viewer nothing that they may not do, and the server refuses it anyway',
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      await signIn(page, place.url, place.tokens.viewer);
      const parts = await page.getByRole('navigation', { name: 'Parts' }).getByRole('link').allTextContents();
      expect(parts).toEqual(['Overview', 'Recover', 'Approvals', 'Backups']);
      await planIn(page);
      // Where to: a download is asked for object by object, and is all that is left.
      await page.getByRole('heading', { level: 1, name: 'Plan' }).waitFor();
      expect(await page.getByRole('radio').count()).toBe(1);
      for (const name of [/Start the restore/, /Make the plan/, /Ask for approval/]) {
        expect(await page.getByRole('button', { name }).count()).toBe(0);
      }
      await page.getByRole('navigation', { name: 'Parts' }).getByRole('link', { name: 'Backups' }).click();
      await page.getByRole('table', { name: /newest snapshots/ }).waitFor();
      expect(await page.getByRole('button', { name: /Back up now|Verify|Try a recovery/ }).count()).toBe(0);

      // As the page would ask, with its cookie and what goes with it.
      const refused = await page.evaluate(async (destination) => {
        const { csrf } = (await (await fetch('/console/session')).json()) as { csrf: string };
        const headers = { 'content-type': 'application/json', 'securestore-csrf': csrf };
        const ask = async (method: string, path: string, body?: object): Promise<number> =>
          (await fetch(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })).status;
        return Promise.all([
          ask('POST', '/v1/restore', { source: destination, prefix: 'db/', conflict: 'overwrite' }),
          ask('POST', '/v1/restore', { source: destination, prefix: 'db/', into: 'x/', dryRun: true }),
          ask('POST', '/v1/backup', { destination }),
          ask('GET', '/v1/audit/entries'),
          ask('GET', '/v1/key-versions'),
          ask('GET', '/v1/objects/db/prod/password'),
          ask('GET', `/v1/points/objects/db/prod/password?destination=${encodeURIComponent(destination)}&snapshot=1`),
        ]);
      }, place.destination);
      expect(refused).toEqual(refused.map(() => 403));
      // A value that may not be read says so, where it was asked for.
      await page.getByRole('navigation', { name: 'Parts' }).getByRole('link', { name: 'Recover' }).click();
      await page.getByRole('link', { name: 'Look at the store then' }).click();
      await page.getByRole('button', { name: 'config/' }).click();
      await page.getByRole('button', { name: 'app' }).click();
      await page
        .getByRole('button', { name: /Show value/ })
        .first()
        .click();
      await page
        .getByText('you may not do this; ask whoever administers the store for read on this key ACCESS_DENIED')
        .waitFor();
      expect(problems).toEqual([]);
    },
    LONG,
  );
});

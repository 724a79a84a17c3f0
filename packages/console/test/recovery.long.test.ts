import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import type { RestoreReceipt } from 'securestore';
import { readRestoreReceipt } from 'securestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeBrowser, openBrowser, signIn } from './support/browser.ts';
import { BROWSER, named, NO_BROWSER } from './support/pages.ts';
import { browseMoment, goTo, planFor } from './support/steps.ts';
import { BEFORE, world } from './support/world.ts';
import type { World } from './support/world.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

/** So many that a restore can be stopped in its middle. */
const RECORDS = LONG ? 1500 : 1000;

/** For machines with other things to do, in milliseconds. */
const PATIENCE = 240_000;

/** What is called what has the focus; nothing where nothing has it. */
const FOCUSED = `(() => {
  const element = document.activeElement ?? document.body;
  if (element === document.body) return '';
  return (element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent ?? '').trim();
})()`;

const focused = (page: Page): Promise<string> => page.evaluate<string>(FOCUSED);

/** Presses Tab until something of that name has the focus: whoever comes by the keys has to get everywhere. */
async function tabTo(page: Page, name: string | RegExp, { byRow = false } = {}): Promise<void> {
  const seen: string[] = [];
  for (let presses = 0; presses < 80; presses++) {
    const now = await focused(page);
    const isRow = await page.evaluate<boolean>(`document.activeElement?.getAttribute('role') === 'row'`);
    const isIt = byRow ? isRow : typeof name === 'string' ? now.startsWith(name) : name.test(now);
    if (isIt) return;
    seen.push(now);
    await page.keyboard.press('Tab');
  }
  throw new Error(`no Tab leads to ${String(name)}, but to ${seen.join(' | ')}`);
}

/** What the store holds now, without the pages. */
async function valueOf({ url, tokens }: World, key: string): Promise<string> {
  const response = await fetch(`${url}/v1/objects/${key}`, {
    headers: { authorization: `Bearer ${tokens.recoverer}` },
  });
  return response.ok ? response.text() : String(response.status);
}

describe.skipIf(NO_BROWSER !== undefined)(named('a recovery'), () => {
  let place: World;
  beforeAll(async () => {
    place = await world({ records: RECORDS });
  });
  afterAll(() => place.stop());
  afterAll(closeBrowser);

  it(
    'goes from signing in to a receipt, through a reload in the middle',
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      const addresses: string[] = [];
      page.on('framenavigated', (frame) => addresses.push(frame.url()));

      // Who has no token gets no further.
      await page.goto(`${place.url}/console/`);
      await page.getByLabel('API token').fill('sst_wrong');
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('alert').waitFor();
      await signIn(page, place.url, place.tokens.recoverer);
      await page.getByText('Recoverable to').waitFor();

      // The newest moment has the accident in it: that nothing differs from now is no good news.
      await page.getByRole('link', { name: 'Start a recovery' }).click();
      await page.getByRole('slider', { name: 'Moment to restore' }).waitFor();
      await page.getByRole('link', { name: 'what is different now' }).click();
      await page.getByText('There is no difference').waitFor();
      await page.getByRole('link', { name: 'Choose one from before it' }).click();

      // The last good state.
      await page.getByRole('slider', { name: 'Moment to restore' }).waitFor();
      await page
        .getByRole('row', { name: /before the accident/ })
        .getByRole('button', { name: /Choose/ })
        .click();
      await page.getByRole('link', { name: 'Look at the store then' }).click();

      // What is different since.
      await page.getByRole('link', { name: 'Differences' }).click();
      await page.getByLabel('Only below').fill('db/prod/');
      await page.getByRole('button', { name: 'Compare' }).click();
      // In the order of names, however they came. When something was removed nobody knows, so no time is said to be it.
      await page
        .getByText(`${(RECORDS + 3).toLocaleString('en-GB')} different, sorted by name; that is all.`)
        .waitFor();
      const shown = page.getByRole('grid', { name: 'Differences' }).getByRole('row');
      const texts = (await shown.allTextContents()).slice(1, 6);
      expect(texts[0]).toMatch(/^.*db\/prod\/left behind.*added.*20\d\d-/);
      expect(texts[1]).toMatch(/^.*db\/prod\/password.*changed.*20\d\d-/);
      expect(texts[2]).toMatch(/^.*db\/prod\/records\/000000.*removed/);
      expect(texts[3]).toMatch(/^.*db\/prod\/records\/000001.*removed/);
      expect(texts[2]).not.toMatch(/20\d\d-/);
      await page.getByLabel('Only below').fill('db/prod/pass');
      await page.getByRole('button', { name: 'Compare' }).click();
      await page.getByText('1 different; that is all.').waitFor();
      await page.getByRole('row', { name: /db\/prod\/password.*changed/ }).waitFor();

      // The history of a key, whose values are hidden.
      await page.getByRole('button', { name: 'db/prod/password' }).click();
      await page.getByText('Values are hidden').waitFor();
      expect(await page.content()).not.toContain(BEFORE['db/prod/password']);
      await page
        .getByRole('listitem')
        .filter({ hasText: 'at your moment' })
        .getByRole('button', { name: /Show value/ })
        .click();
      await page.getByText(BEFORE['db/prod/password']).waitFor();
      await page.getByRole('button', { name: 'Hide' }).click();
      expect(await page.content()).not.toContain(BEFORE['db/prod/password']);

      // A folder of it, in place, exactly as it was.
      await page.getByRole('link', { name: 'Browse' }).click();
      await page.getByRole('button', { name: 'db/' }).click();
      await planFor(page, /prod\//);
      await page.getByLabel(/Delete what was not there then/).check();
      await page.getByRole('button', { name: 'Make the plan' }).click();
      const plan = page.getByRole('table', { name: /compared with now/ });
      await plan.waitFor();
      await page.getByText('The plan is made, and nothing is changed yet.').waitFor();
      expect(await page.getByText('It is done.').count()).toBe(0);
      await expect(plan.getByRole('row', { name: /^Created/ }).textContent()).resolves.toContain(
        (RECORDS + 1).toLocaleString('en-GB'),
      );
      await expect(plan.getByRole('row', { name: /^Replaced/ }).textContent()).resolves.toContain('1');
      await expect(plan.getByRole('row', { name: /^Deleted/ }).textContent()).resolves.toContain('1');
      expect(await valueOf(place, 'db/prod/password')).toBe('overwritten by mistake');

      // Nobody starts it by accident.
      await page.getByLabel(/to confirm/).fill('db/staging/');
      await page.getByRole('button', { name: 'Start the restore' }).click();
      await page.getByText('Type db/prod/ to confirm.').waitFor();
      await page.getByLabel(/to confirm/).fill('db/prod/');
      await page.keyboard.press('Enter');

      // Stopped, found again after a reload, gone on with, and loaded anew while it runs.
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('heading', { name: 'Paused' }).waitFor();
      await page.reload();
      await page.getByRole('heading', { name: 'Paused' }).waitFor();
      expect(await valueOf(place, `db/prod/records/${String(RECORDS - 1).padStart(6, '0')}`)).toBe('404');
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByRole('heading', { name: 'Restoring' }).waitFor();
      await page.reload();
      await page.getByText('It is back').waitFor({ timeout: 120_000 });

      // It is back, and proven.
      for (const [key, value] of Object.entries(BEFORE)) expect(await valueOf(place, key)).toBe(value);
      expect(await valueOf(place, encodeURI('db/prod/left behind'))).toBe('404');
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Save the receipt' }).click(),
      ]);
      expect(await page.getByLabel('The same on the command line').textContent()).toBe(
        `securestore receipt ${file.suggestedFilename()} --store ${place.url}`,
      );
      const receipt = JSON.parse(await readFile(await file.path(), 'utf8')) as RestoreReceipt;
      const store = (await (
        await fetch(`${place.url}/v1/store`, { headers: { authorization: `Bearer ${place.tokens.recoverer}` } })
      ).json()) as { fingerprint: string };
      expect(readRestoreReceipt(receipt, store.fingerprint)).toMatchObject({
        by: 'recoverer',
        prefix: 'db/prod/',
        failed: 0,
        ok: true,
      });

      // And recorded.
      await page.getByRole('link', { name: 'See it in the audit log' }).click();
      await page
        .getByRole('row', { name: /recoverer restore/ })
        .first()
        .waitFor();
      await page.getByRole('button', { name: 'Verify' }).click();
      await page.getByText('Nothing is wrong with what was looked at').waitFor();

      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      expect(problems).toEqual([]);
      // Neither names nor secrets stand in addresses, or in what the browser keeps.
      for (const secret of ['prod', 'password', place.tokens.recoverer])
        expect(addresses.join('\n')).not.toContain(secret);
      expect(await page.evaluate(() => localStorage.length + sessionStorage.length)).toBe(0);
    },
    PATIENCE,
  );

  it.runIf(LONG)(
    onlyLong('is done from the keyboard alone'),
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      const { keyboard } = page;
      await page.goto(`${place.url}/console/`);
      await page.getByLabel('API token').waitFor();
      await tabTo(page, 'API token');
      await keyboard.type(place.tokens.recoverer);
      await keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();

      // The first thing that is reached leads over what is on every page.
      await page.evaluate('document.activeElement?.blur()');
      await tabTo(page, 'Skip to the content');
      await keyboard.press('Enter');
      expect(await page.evaluate('document.activeElement?.id')).toBe('main');
      await page.getByRole('link', { name: 'Start a recovery' }).waitFor();
      await tabTo(page, 'Start a recovery');
      await keyboard.press('Enter');

      // The moment, on the timeline: the oldest there is.
      await page.getByRole('slider', { name: 'Moment to restore' }).waitFor();
      expect(await focused(page)).toBe('Recover');
      await tabTo(page, 'Moment to restore');
      const newest = await page.getByRole('slider').getAttribute('aria-valuetext');
      await keyboard.press('Home');
      await expect.poll(() => page.getByRole('slider').getAttribute('aria-valuetext')).not.toBe(newest);
      await tabTo(page, 'Look at the store then');
      await keyboard.press('Enter');

      // A list: the arrows move in it, Enter opens, Space chooses; it takes one step to come to it, and one to leave it.
      await page.getByRole('row', { name: /^.*db\// }).waitFor();
      await tabTo(page, /config/, { byRow: true });
      await keyboard.press('End');
      await keyboard.press('Home');
      expect(await focused(page)).toContain('api/');
      await keyboard.press('ArrowDown');
      await keyboard.press('ArrowDown');
      expect(await focused(page)).toContain('db/');
      await keyboard.press('Enter');
      await page.getByRole('row', { name: /staging/ }).waitFor();
      expect(await focused(page)).toBe('Browse');
      await tabTo(page, /prod/, { byRow: true });
      await keyboard.press(' ');
      await page.getByText('All below db/prod/').waitFor();
      await tabTo(page, 'Plan the restore');
      await keyboard.press('Enter');

      // Beside what there is, which takes no typed word.
      await page.getByRole('heading', { level: 1, name: 'Plan' }).waitFor();
      await tabTo(page, /^In place/);
      await keyboard.press('ArrowDown');
      await page.getByRole('textbox', { name: 'New prefix' }).waitFor();
      await tabTo(page, 'New prefix');
      await keyboard.press('Control+A');
      await keyboard.type('looked-at/');
      await tabTo(page, 'Make the plan');
      await keyboard.press('Enter');
      await page.getByRole('table', { name: /compared with now/ }).waitFor();
      await tabTo(page, 'Start the restore');
      await keyboard.press('Enter');
      await page.getByText('It is back').waitFor({ timeout: 120_000 });
      expect(await valueOf(place, 'looked-at/password')).toBe(BEFORE['db/prod/password']);
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );

  it.runIf(LONG)(
    onlyLong('goes to a new store elsewhere, or to whoever looks'),
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      await signIn(page, place.url, place.tokens.recoverer);
      await browseMoment(page, ['db/']);
      await planFor(page, /staging/);

      await page.getByLabel(/^Download/).check();
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Download the tar' }).click(),
      ]);
      const tar = await readFile(await file.path(), 'utf8');
      expect(tar).toContain('db/staging/password');
      expect(tar).toContain(BEFORE['db/staging/password']);
      expect(tar).not.toContain('db/prod');

      await page.getByLabel(/^To a new store/).check();
      await page.getByText('Say where the new store is to be.').waitFor();
      await page.getByLabel('Store URL of the new store').fill(place.destination.replace(/backup$/, 'again'));
      await page.getByRole('button', { name: 'Make the new store' }).click();
      await page.getByText('It is back').waitFor({ timeout: 120_000 });
      await page.getByText(/The access policy is version \d+, as of .*, of the store that was open/).waitFor();
      await page.getByRole('button', { name: 'Save the receipt' }).waitFor();
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );

  it.runIf(LONG)(
    onlyLong('says above the audit log if older entries may be missing in it'),
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      await signIn(page, place.url, place.tokens.recoverer);
      await page.route('**/v1/audit/entries*', async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, json: { ...(await response.json()), cut: 'there are very many segments.' } });
      });
      await goTo(page, 'Audit');
      await page.getByText('Older entries may be missing here').waitFor();
      await page.getByText('there are very many segments.').waitFor();
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );
});

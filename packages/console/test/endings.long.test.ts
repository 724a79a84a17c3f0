import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeBrowser, openBrowser, signIn } from './support/browser.ts';
import { BROWSER, named, NO_BROWSER } from './support/pages.ts';
import { browseMoment, goTo, planFor } from './support/steps.ts';
import { BEFORE, world } from './support/world.ts';
import type { World } from './support/world.ts';

const PATIENCE = 240_000;
const MINUTE = 60_000;

const KEY = 'db/prod/password';
const VALUE = BEFORE[KEY];

/** What names something that only whoever was signed in may know. */
const NAMES = ['prod', 'staging', 'recoverer', VALUE];

async function isSignInPage(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  const content = await page.content();
  for (const name of NAMES) expect(content).not.toContain(name);
}

/** Comes to the page of a key, and shows its value at the moment before the accident. */
async function reveal(page: Page): Promise<void> {
  await browseMoment(page, ['db/', 'prod/', 'password']);
  await show(page);
}

async function show(page: Page): Promise<void> {
  await atMoment(page)
    .getByRole('button', { name: /Show value/ })
    .click();
  await page.getByText(VALUE).waitFor();
}

const atMoment = (page: Page): ReturnType<Page['getByRole']> =>
  page.getByRole('listitem').filter({ hasText: 'at your moment' });

async function isHidden(page: Page): Promise<void> {
  await page.getByText(VALUE).waitFor({ state: 'detached' });
  await page.getByText('The value is hidden.').waitFor();
  expect(await page.content()).not.toContain(VALUE);
}

/** Has the page believe that its window is seen or not. */
const seen = (page: Page, state: 'visible' | 'hidden'): Promise<unknown> =>
  page.evaluate(
    `Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '${state}' });
     document.dispatchEvent(new Event('visibilitychange'));`,
  );

/** Where somebody is in the history, as the browser knows it. */
const STEP = '`${location.hash} ${JSON.stringify(history.state)}`';

/** Ends the session at the server, of which the page is told nothing. */
const endAtServer = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const { csrf } = (await (await fetch('/console/session')).json()) as { csrf: string };
    return (await fetch('/console/session', { method: 'DELETE', headers: { 'securestore-csrf': csrf } })).status;
  });

describe.skipIf(NO_BROWSER !== undefined)(named('what was shown'), () => {
  let place: World;
  beforeAll(async () => {
    place = await world();
  });
  afterAll(() => place.stop());
  afterAll(closeBrowser);

  // T-BROWSER-03
  it(
    'is hidden after half a minute, and when whoever looked may have gone',
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      await page.clock.install();
      await signIn(page, place.url, place.tokens.recoverer);
      await browseMoment(page, ['db/', 'prod/', 'password']);
      const before = await page.evaluate<number>('Date.now()');
      await show(page);
      // It has not been shown for longer than that, however slow this machine is. Time stands still meanwhile.
      await page.clock.pauseAt(before + 29_000);
      await page.getByText(VALUE).waitFor();
      const focused = (): Promise<string> => page.evaluate(`document.activeElement.getAttribute('aria-label')`);
      expect(await focused()).toMatch(/^The value/);
      await page.clock.resume();
      await page.clock.fastForward(1000);
      await isHidden(page);
      // Whoever comes by the keys is where they were.
      expect(await focused()).toMatch(/^Show value/);

      await show(page);
      await page.evaluate(`dispatchEvent(new Event('blur'))`);
      await isHidden(page);

      await show(page);
      await seen(page, 'hidden');
      await isHidden(page);
      await seen(page, 'visible');
      expect(await page.content()).not.toContain(VALUE);

      // What comes when nobody looks any more is not shown either.
      const { promise: held, resolve: answer } = Promise.withResolvers<void>();
      await page.route('**/objects/**', async (route) => {
        const response = await route.fetch();
        await held;
        await route.fulfill({ response }).catch(() => undefined);
      });
      const asked = page.waitForRequest('**/objects/**');
      await atMoment(page)
        .getByRole('button', { name: /Show value/ })
        .click();
      await asked;
      await page.evaluate(`dispatchEvent(new Event('blur'))`);
      answer();
      await atMoment(page)
        .getByRole('button', { name: /Show value/, disabled: false })
        .waitFor();
      expect(await page.content()).not.toContain(VALUE);
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );

  it(
    'leaves the clipboard when it is the value still, and nothing else does',
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      const clipboard = (): Promise<string> => page.evaluate('navigator.clipboard.readText()');
      await page.clock.install();
      await signIn(page, place.url, place.tokens.recoverer);
      await reveal(page);
      await page.getByRole('button', { name: /Copy value/ }).click();
      await page.getByText('A value is in the clipboard').waitFor();
      expect(await clipboard()).toBe(VALUE);
      await page.clock.fastForward(31_000);
      await page.getByText('A value is in the clipboard').waitFor({ state: 'detached' });
      expect(await clipboard()).toBe('');

      await show(page);
      await page.getByRole('button', { name: /Copy value/ }).click();
      await page.getByText('A value is in the clipboard').waitFor();
      await page.evaluate(`navigator.clipboard.writeText('of another program')`);
      await page.clock.fastForward(31_000);
      await page.getByText('A value is in the clipboard').waitFor({ state: 'detached' });
      expect(await clipboard()).toBe('of another program');

      // Also if it is selected and copied as any other text.
      await show(page);
      await page.evaluate(
        `getSelection().selectAllChildren(document.querySelector('.value pre')); document.execCommand('copy')`,
      );
      await page.getByText('A value is in the clipboard').waitFor();
      expect(await clipboard()).toBe(VALUE);
      await page.clock.fastForward(31_000);
      await page.getByText('A value is in the clipboard').waitFor({ state: 'detached' });
      expect(await clipboard()).toBe('');

      await show(page);
      await page.getByRole('button', { name: /Copy value/ }).click();
      await page.getByText('A value is in the clipboard').waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await isSignInPage(page);
      await page.getByText('A value is in the clipboard').waitFor({ state: 'detached' });
      expect(await clipboard()).toBe('');
      expect(await page.getByText('The value is').count()).toBe(0);
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );

  // T-BROWSER-01
  it(
    'is nothing to the next person in the same tab, who goes back',
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      await signIn(page, place.url, place.tokens.recoverer);
      await browseMoment(page, ['db/']);
      await planFor(page, /staging/);
      await page.getByLabel(/^Below a new prefix/).check();
      await page.getByRole('button', { name: 'Make the plan' }).click();
      await page.getByRole('button', { name: 'Start the restore' }).click();
      await page.getByText('It is back').waitFor({ timeout: 60_000 });
      await page.evaluate(
        `globalThis.made = []; globalThis.revoked = [];
         const { createObjectURL, revokeObjectURL } = URL;
         URL.createObjectURL = (blob) => { const url = createObjectURL(blob); made.push(url); return url; };
         URL.revokeObjectURL = (url) => { revoked.push(url); revokeObjectURL(url); };`,
      );
      await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Save the receipt' }).click(),
      ]);
      await goTo(page, 'Recover');
      const states = await page.evaluate<string>(STEP);
      for (const name of [...NAMES, 'db/', 'file:']) expect(states).not.toContain(name);

      await page.getByRole('button', { name: 'Sign out' }).click();
      await isSignInPage(page);
      expect(await page.evaluate('made.length === 1 && revoked.includes(made[0])')).toBe(true);
      expect(await page.evaluate('performance.getEntries().map(({ name }) => name).join()')).not.toContain('db');
      for (let step = 0; step < 4; step++) {
        await page.goBack();
        await isSignInPage(page);
      }
      await page.getByLabel('API token').fill(place.tokens.viewer);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('navigation', { name: 'Parts' }).waitFor();
      // Wherever the history leads: the folder, the plan, the receipt.
      const shown: string[] = [];
      for (const by of [0, -1, 1, 1, 1, 1]) {
        await page.evaluate(`${by} === 0 || history.go(${by})`);
        await expect.poll(() => page.evaluate<string>(STEP)).not.toBe(shown.at(-1));
        shown.push(await page.evaluate<string>(STEP));
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.getByText('Looking for').first().waitFor({ state: 'detached' });
        const content = await page.content();
        for (const name of NAMES) expect(content, page.url()).not.toContain(name);
      }
      const hashes = shown.map((step) => step.split(' ')[0]);
      expect(hashes).toEqual(expect.arrayContaining(['#/recover/browse', '#/recover/plan', '#/recover/run']));
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );

  // T-BROWSER-02
  it(
    'goes when the session ends in another tab, by signing out or by signing in',
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, context, problems } = browser;
      await signIn(page, place.url, place.tokens.recoverer);
      await reveal(page);
      const other = await context.newPage();
      await other.goto(`${place.url}/console/`);
      await other.getByRole('button', { name: 'Sign out' }).waitFor();
      // Another tab of the same session ends nothing.
      await page.getByText(VALUE).waitFor();
      await other.getByRole('button', { name: 'Sign out' }).click();
      await isSignInPage(page);
      await page.getByText('Your session was ended in another tab or window.').waitFor();

      await page.bringToFront();
      await signIn(page, place.url, place.tokens.recoverer);
      await reveal(page);
      // As at the way back from a provider: the other tab begins with a session that it finds.
      await other.evaluate(async (token) => {
        const headers = { 'content-type': 'application/json' };
        await fetch('/console/session', { method: 'POST', headers, body: JSON.stringify({ token }) });
      }, place.tokens.viewer);
      await other.reload();
      await isSignInPage(page);
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );

  // T-BROWSER-02
  it(
    'goes when the session is over at the server, or at its time if that can not be asked',
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, context } = browser;
      await page.clock.install();
      await signIn(page, place.url, place.tokens.recoverer);
      await browseMoment(page, ['db/', 'prod/']);
      await page.getByRole('row', { name: /password/ }).waitFor();
      expect(await endAtServer(page)).toBe(200);
      await page.clock.fastForward(MINUTE);
      await isSignInPage(page);
      await page.getByText('Your session has ended. Sign in again').waitFor();

      // Of several tabs the first that asks for something notices, and has the others look.
      await signIn(page, place.url, place.tokens.recoverer);
      const other = await context.newPage();
      await other.goto(`${place.url}/console/`);
      await other.getByText('Recoverable to').waitFor();
      expect(await endAtServer(page)).toBe(200);
      await page.bringToFront();
      // Not by a link, which goes if the other tab still asked for something and noticed first.
      await page.evaluate(`location.hash = '#/audit'`);
      await isSignInPage(page);
      await isSignInPage(other);
      await other.close();

      // One that is there still goes on, whatever the clock here says.
      await signIn(page, place.url, place.tokens.recoverer);
      await browseMoment(page, ['db/', 'prod/']);
      await page.getByRole('row', { name: /password/ }).waitFor();
      const told = page.waitForResponse('**/console/session');
      await page.clock.fastForward(16 * MINUTE);
      await (await told).finished();
      await page.getByRole('row', { name: /password/ }).waitFor();
      await context.setOffline(true);
      await page.clock.fastForward(10 * MINUTE);
      await page.getByRole('row', { name: /password/ }).waitFor();
      await page.clock.fastForward(6 * MINUTE);
      await isSignInPage(page);
    },
    PATIENCE,
  );

  // T-BROWSER-01
  it(
    'is not in a page that the browser keeps for going back, and a sign-out that the server did not get is said',
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, context } = browser;
      await signIn(page, place.url, place.tokens.recoverer);
      await reveal(page);
      await page.evaluate(`dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))`);
      for (const name of NAMES) expect(await page.content()).not.toContain(name);
      const loaded = page.waitForEvent('load');
      await page.evaluate(`dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))`);
      await loaded;
      await page.getByRole('button', { name: 'Sign out' }).waitFor();
      expect(await page.content()).not.toContain('prod');

      await context.setOffline(true);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await isSignInPage(page);
      await page.getByText('the server could not be told that it is over').waitFor();
    },
    PATIENCE,
  );
});

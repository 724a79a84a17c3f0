import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { axeFindings, closeBrowser, openBrowser, signIn, WIDTHS } from './support/browser.ts';
import type { Width } from './support/browser.ts';
import { BROWSER, named, NO_BROWSER } from './support/pages.ts';
import { chooseMoment, find, goTo, pick, planFor } from './support/steps.ts';
import { world } from './support/world.ts';
import type { World } from './support/world.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const PATIENCE = 240_000;

/** Tables of which a part is out of sight where there is little room. */
const CUT_OFF = `innerWidth > 700 ? [] : [...document.querySelectorAll('.table')].filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map((table) => 'the table “' + table.getAttribute('aria-label') + '” is cut off')`;

/** Fields whose text the browser would remember, correct or send to a service, and forms whose fields it would. */
const KEPT = `[...document.querySelectorAll('form, input, textarea')].filter((one) => one.autocomplete !== 'off' || (['text', 'search', 'textarea'].includes(one.type) && one.spellcheck)).map((one) => 'the browser remembers ' + one.outerHTML)`;

/** What is wrong with a page: what axe finds, what the browser would remember of it, and whether it, or a table on a small screen, is wider than the window. */
async function wrongWith(page: Page, name: string): Promise<string[]> {
  const width = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  const findings = [...(await axeFindings(page)), ...(await page.evaluate<string[]>(`[...${CUT_OFF}, ...${KEPT}]`))];
  return [...findings, ...(width > 0 ? [`it is ${width} pixels wider than the window`] : [])].map(
    (line) => `${name}: ${line}`,
  );
}

/** What is out of sight at the sides, or wider than the window: nobody scrolls in two directions to read. */
const OUT_OF_SIGHT = `[...document.querySelectorAll('#root *')].filter((one) => {
  const { left, right, width } = one.getBoundingClientRect();
  return width > 0 && (left < -0.5 || right > innerWidth + 0.5) && one.closest('.hidden, .skip, svg, .command pre') === null;
}).map((one) => 'out of sight at ' + innerWidth + ' pixels: ' + one.outerHTML.slice(0, 200))`;

/** As a window of 1280 pixels is at 400 %: WCAG 1.4.10. */
async function reflowOf(page: Page, name: string): Promise<string[]> {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const found = await page.evaluate<string[]>(OUT_OF_SIGHT);
  if (before !== null) await page.setViewportSize(before);
  return found.map((line) => `${name}: ${line}`);
}

/** What a colour of ours alone tells, so that it looks like what is beside it in the colours of whoever looks. */
const ALIKE = `(() => {
  const look = (one) => getComputedStyle(one).backgroundColor + getComputedStyle(one).borderBottomColor;
  const alike = (name, one, other) => {
    const [first, second] = [document.querySelector(one), document.querySelector(other)];
    return first !== null && second !== null && look(first) === look(second) ? [name] : [];
  };
  return [
    ...alike('the current part', '.top nav a[aria-current]', '.top nav li:last-child a:not([aria-current])'),
    ...alike('the current way of looking', '.tabs a[aria-current]', '.tabs a:not([aria-current])'),
    ...alike('the step', '.steps .current .number', '.steps li:not(.current) .number'),
    ...(getComputedStyle(document.activeElement).outlineStyle === 'none' ? ['what has the focus'] : []),
    ...alike('the main button', '.button.primary', '.button.quiet'),
    ...alike('what is chosen', '.button[aria-pressed="true"]', '.button[aria-pressed="false"]'),
    ...[...document.querySelectorAll('.timeline .window, .timeline .snapshot, .legend .key')].filter((one) => {
      const { fill, backgroundColor, borderLeftStyle } = getComputedStyle(one);
      const canvas = getComputedStyle(document.body).backgroundColor;
      return (one.namespaceURI.endsWith('svg') ? fill : backgroundColor) === canvas && borderLeftStyle !== 'dashed';
    }).map((one) => 'the chart: ' + one.outerHTML),
  ];
})()`;

async function forcedColorsOf(page: Page, name: string): Promise<string[]> {
  await page.emulateMedia({ forcedColors: 'active' });
  await page.keyboard.press('Tab');
  const found = await page.evaluate<string[]>(ALIKE);
  await page.emulateMedia({ forcedColors: 'none' });
  return found.map((line) => `${name}: in forced colours nobody sees ${line}`);
}

/** Comes to every page, in every state that is easily had. */
async function* pagesOf(page: Page, { url, tokens }: World): AsyncGenerator<string> {
  await page.goto(`${url}/console/`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  yield 'sign in';
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('alert').waitFor();
  yield 'sign in, refused';
  await signIn(page, url, tokens.recoverer);
  await page.getByText('Recoverable to').waitFor();
  await page.getByText(/checks? without a finding/).click();
  yield 'overview';
  await chooseMoment(page);
  yield 'moment';
  await page.getByRole('link', { name: 'Look at the store then' }).click();
  await page.getByRole('row', { name: /db\// }).waitFor();
  yield 'browse';
  await page.getByLabel('Names here that begin with').fill('nothing');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.getByText('No name here begins with').waitFor();
  yield 'browse, nothing';
  await find(page, 'password');
  await pick(page, /db\/prod\/password/);
  yield 'find';
  await page.getByRole('link', { name: 'Differences' }).click();
  await page.getByRole('row', { name: /removed/ }).waitFor();
  yield 'differences';
  await page.getByRole('button', { name: 'db/prod/password' }).click();
  await page
    .getByRole('button', { name: /Show value/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'Hide' }).waitFor();
  yield 'key';
  await page.getByRole('link', { name: 'Plan the restore' }).click();
  await page.getByRole('button', { name: 'Make the plan' }).click();
  await page.getByRole('table', { name: /compared with now/ }).waitFor();
  yield 'plan';
  await page.getByLabel('Download').check();
  // A folder of files is no form in which the command line gives single keys.
  await page.getByText('--key db/prod/password --stdout').waitFor();
  yield 'plan, download';
  await page.getByRole('link', { name: 'Choose something else' }).click();
  await page.getByRole('button', { name: 'long/' }).click();
  await planFor(page, /name/);
  await page.getByText('All below').waitFor();
  yield 'plan, a long name';
  await goTo(page, 'Backups');
  await page.getByRole('table', { name: /newest snapshots/ }).waitFor();
  yield 'backups';
  await page.getByRole('button', { name: 'Try a recovery' }).click();
  await page.getByText('Done', { exact: true }).waitFor({ timeout: 60_000 });
  await page
    .getByRole('button', { name: /Receipt of the drill/ })
    .first()
    .click();
  yield 'backups, drill';
  await goTo(page, 'Approvals');
  await page.getByText('Nobody asks you for anything').waitFor();
  yield 'approvals';
  await goTo(page, 'Audit');
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText('Nothing is wrong').waitFor();
  yield 'audit';
  await goTo(page, 'Keys');
  await page.getByRole('button', { name: 'Count the records' }).click();
  await page.getByRole('button', { name: 'Count again' }).waitFor();
  yield 'keys';
  await page.goto(`${url}/console/#/recover/run`);
  await page.getByText('No restore of yours is known').waitFor();
  yield 'run, nothing';
  await page.goto(`${url}/console/#/nowhere`);
  await page.getByText('Nothing is here').waitFor();
  yield 'no such page';
}

describe.skipIf(NO_BROWSER !== undefined)(named('every page'), () => {
  let place: World;
  beforeAll(async () => {
    place = await world();
  });
  afterAll(() => place.stop());
  afterAll(closeBrowser);

  /** Has an address answered with something else, and comes to the part of the pages that asks for it. */
  const odd: readonly (readonly [part: string, path: string, answer: string, good: string])[] = [
    ['Overview', '/v1/recovery-points/destinations', '<html>Sign in to the network</html>', 'Recoverable to'],
    ['Backups', '/v1/recovery-points/destinations', '{}', 'newest snapshots'],
    ['Overview', '/v1/health', '{"status":"ok"}', 'without a finding'],
    ['Recover', '/v1/recovery-points/timeline', '{"recoverableTo":"2026-01-01"}', 'Windows and gaps'],
    ['Approvals', '/v1/approvals', 'null', 'For you to decide'],
    ['Audit', '/v1/audit/entries', '[]', 'The newest first'],
    ['Keys', '/v1/slots', '{}', 'Ways of unlocking'],
  ];

  it(
    'that gets an answer that can not be read says what can be done, and does that',
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page } = browser;
      await signIn(page, place.url, place.tokens.recoverer);
      for (const [part, path, answer, good] of LONG ? odd : odd.slice(0, 3)) {
        await page.goto(`${place.url}/console/#/nowhere`);
        await page.getByText('Nothing is here').waitFor();
        await page.route(`**${path}?**`, async (route) => route.fulfill({ body: answer }));
        await page.route(`**${path}`, async (route) => route.fulfill({ body: answer }));
        await goTo(page, part);
        const alert = page.getByRole('alert').filter({ hasText: 'UNREADABLE' });
        await alert.first().waitFor();
        await page.getByText('Looking for').first().waitFor({ state: 'detached' });
        await page.unrouteAll();
        await alert.getByRole('button', { name: 'Try again' }).first().click();
        await page.getByText(good).first().waitFor();
      }
    },
    PATIENCE,
  );

  const widths = Object.keys(WIDTHS) as Width[];
  for (const [row, theme] of (['light', 'dark'] as const).entries()) {
    for (const [column, width] of widths.entries()) {
      // Each theme and each width once, at least.
      const isRun = LONG || row === column % 2;
      const title = `is for everybody, and as wide as the window: ${theme}, ${width}`;
      it.runIf(isRun)(
        onlyLong(title, isRun),
        async () => {
          await using browser = await openBrowser(BROWSER, place.url, { theme, width });
          const wrong: string[] = [];
          let at = 0;
          for await (const name of pagesOf(browser.page, place)) {
            // Of the two that a short run has, each looks at every other page.
            if (LONG || at % 2 === row) wrong.push(...(await wrongWith(browser.page, name)));
            if (width === 'narrow') wrong.push(...(await reflowOf(browser.page, name)));
            else wrong.push(...(await forcedColorsOf(browser.page, name)));
            at += 1;
          }
          expect(wrong).toEqual([]);
          expect(browser.problems).toEqual([]);
        },
        PATIENCE,
      );
    }
  }
});

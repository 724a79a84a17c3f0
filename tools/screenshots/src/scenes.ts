import type { Page } from '../../../packages/console/test/support/browser.ts';
import { browseMoment, chooseMoment, find, goTo, pick } from '../../../packages/console/test/support/steps.ts';
import type { Served } from './stores.ts';

type Take = (name: string) => Promise<void>;
type Scene = (page: Page, served: Served, take: Take) => Promise<void>;

async function planFor(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Plan the restore' }).click();
  await page.getByRole('button', { name: 'Make the plan' }).click();
  await page.getByRole('table', { name: /compared with now/ }).waitFor();
}

const BEFORE = /before release/;

async function browseBilling(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Look at the store then' }).click();
  await page.getByRole('button', { name: 'billing/' }).click();
  await pick(page, /prod/);
}

const accident: Scene = async (page, served, take) => {
  await page.getByText('Recoverable to').waitFor();
  await page
    .getByText(/checks? without a finding|to look at/)
    .first()
    .waitFor();
  await take('1-overview');
  await chooseMoment(page, BEFORE);
  await take('2-moment');
  await browseBilling(page);
  await page.getByRole('button', { name: 'prod/' }).click();
  await page.getByRole('row', { name: /config/ }).waitFor();
  await take('3-browse');
  await page.getByRole('link', { name: 'Differences' }).click();
  await page
    .getByRole('row', { name: /removed/ })
    .first()
    .waitFor();
  await page.getByText('that is all').waitFor();
  await take('4-differences');
  await find(page, 'password');
  await page.getByText('that is all').waitFor();
  await take('5-find');
  await page.getByRole('button', { name: 'billing/prod/database/password' }).click();
  await page
    .getByRole('button', { name: /Show value/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'Hide' }).waitFor();
  await take('6-key');
  await planFor(page);
  await take('7-plan');
  await page.getByLabel(/to confirm/).fill('billing/prod/');
  await page.getByRole('button', { name: 'Start the restore' }).click();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('heading', { name: 'Paused' }).or(page.getByText('It is back')).waitFor();
  await take('8-paused');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'Restoring' }).waitFor();
  await page.locator('progress[value]').waitFor();
  await page.waitForTimeout(2000);
  await take('9-restoring');
  await page.getByText('It is back').waitFor({ timeout: 120_000 });
  await take('a-receipt');
  await goTo(page, 'Backups');
  await page.getByRole('table', { name: /newest snapshots/ }).waitFor();
  await page.getByRole('table', { name: /done by itself/ }).waitFor();
  await take('b-backups');
  await goTo(page, 'Audit');
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText('Nothing is wrong').waitFor();
  await take('c-audit');
  await goTo(page, 'Keys');
  await page.getByRole('button', { name: 'Count the records' }).click();
  await page.getByRole('button', { name: 'Count again' }).waitFor();
  await take('d-keys');
  // A server that is gone.
  await served.stopServing();
  await goTo(page, 'Recover');
  await page.getByRole('alert').first().waitFor();
  await take('e-error');
};

const approval: Scene = async (page, { url, tokens }, take) => {
  await chooseMoment(page, BEFORE);
  await browseBilling(page);
  await planFor(page);
  await page.getByLabel('What for').fill('release 4.2 has deleted invoices');
  await page.getByRole('button', { name: 'Ask for approval' }).click();
  await page.getByText('Waits for a second person').waitFor();
  await take('1-waiting');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await take('2-sign-in');
  await page.goto(`${url}/console/`);
  await page.getByLabel('API token').fill(tokens.lead);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('link', { name: 'Decide' }).click();
  await page.getByRole('button', { name: /Approve, once/ }).waitFor();
  await take('3-decide');
};

const empty: Scene = async (page, _served, take) => {
  await page.getByText('This store is not backed up').waitFor();
  await page
    .getByText(/checks? without a finding|to look at/)
    .first()
    .waitFor();
  await take('1-overview');
  await goTo(page, 'Recover');
  await page.getByText('This store is not backed up').waitFor();
  await take('2-recover');
};

const many: Scene = async (page, _served, take) => {
  await browseMoment(page, ['customers/'], /all of it/);
  await page.getByRole('row', { name: /000000/ }).waitFor();
  await take('1-browse');
  await find(page, '0777');
  await page.getByText('that is all').waitFor();
  await take('2-find');
};

const long: Scene = async (page, _served, take) => {
  await page.getByText('Recoverable to').first().waitFor();
  await page.getByRole('link', { name: 'Start a recovery' }).click();
  await page.getByRole('radio', { name: /offsite/ }).check();
  await page.getByRole('row', { name: /a-name-that/ }).waitFor();
  await take('1-moment');
  await page.getByRole('link', { name: 'Look at the store then' }).click();
  await page.getByRole('row', { name: /spaces/ }).waitFor();
  await take('2-browse');
  await find(page, 'somebody');
  await page.getByText('that is all').waitFor();
  await page
    .getByRole('row', { name: /-3$|-3 / })
    .first()
    .getByRole('button')
    .click();
  await page.getByText('Values are hidden').waitFor();
  await take('3-key');
};

/** What is looked at of each past. */
export const SCENES = { accident, approval, empty, many, long } as const;

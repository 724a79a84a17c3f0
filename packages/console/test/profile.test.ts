import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openProfile, signIn } from './support/browser.ts';
import { BROWSER, named, NO_BROWSER } from './support/pages.ts';
import { filesWith } from './support/profile.ts';
import { browseMoment, find, goTo } from './support/steps.ts';
import { world } from './support/world.ts';
import type { World } from './support/world.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const PATIENCE = 240_000;

/** A text that is nowhere by chance, and short enough that the pages show a name of it in one piece. */
const canary = (): string => randomBytes(12).toString('hex');

const FOLDER = canary();
const CANARIES = {
  'a folder': FOLDER,
  'a key': canary(),
  'a value': canary(),
  'a reason': canary(),
  'a typed text': canary(),
} as const;
const KEY = `${FOLDER}/${CANARIES['a key']}`;

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-profile-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

async function asked({ url, tokens }: World, path: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${tokens.recoverer}`, 'content-type': 'application/json' };
  const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  expect(answer.ok, await answer.clone().text()).toBe(true);
}

async function showValue(page: Page): Promise<void> {
  await page
    .getByRole('button', { name: /Show value/ })
    .first()
    .click();
  await page.getByText(CANARIES['a value']).waitFor();
}

/** Looks at everything that names what nobody else is to know. */
async function lookAround(page: Page, { url, tokens }: World): Promise<void> {
  await signIn(page, url, tokens.recoverer);
  await browseMoment(page, [`${FOLDER}/`]);
  await find(page, CANARIES['a typed text']);
  await page.getByText('No key had').waitFor();
  await find(page, CANARIES['a key']);
  await page.getByRole('grid').getByRole('button').first().click();
  await showValue(page);
  await page.getByRole('button', { name: 'Choose this key' }).click();
  await page.getByRole('link', { name: 'Plan the restore' }).click();
  await page.getByLabel(/^Below a new prefix/).check();
  await page.getByRole('textbox', { name: 'New prefix' }).fill(`${CANARIES['a typed text']}/`);
  await goTo(page, 'Approvals');
  await page.getByText(CANARIES['a reason']).waitFor();
  await goTo(page, 'Backups');
  await page
    .getByRole('button', { name: /Receipt of the restore/ })
    .first()
    .click();
  await page.getByText(`all below ${FOLDER}/`).waitFor();
  await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the receipt' }).click()]);
  // A state of its own at the end, since browsers write those down that somebody has left, and the one where they are.
  await goTo(page, 'Recover');
  await page.getByRole('link', { name: 'Look at the store then' }).click();
  await page.getByRole('button', { name: `${FOLDER}/`, exact: true }).click();
  await page.getByRole('button', { name: CANARIES['a key'], exact: true }).click();
  await page.getByText('Values are hidden').waitFor();
}

describe.skipIf(NO_BROWSER !== undefined)(named('the profile of a browser'), () => {
  let place: World;
  beforeAll(async () => {
    place = await world({
      more: { [KEY]: CANARIES['a value'] },
      approvals: [{ actions: ['restore.replace'] }],
    });
    await asked(place, '/v1/restore', {
      destination: place.destination,
      snapshot: 1,
      prefix: `${FOLDER}/`,
      into: 'beside/',
    });
    await asked(place, '/v1/approvals', {
      action: 'restore.replace',
      reason: CANARIES['a reason'],
      operation: { call: 'restore', about: { destination: place.destination, snapshot: 1, conflict: 'overwrite' } },
    });
  });
  afterAll(() => place.stop());

  it('is searched in all the forms in which a text may lie there', async () => {
    const folder = await newFolder();
    const text = 'the secret is 3f9ac1d27be04586aa10 and no more';
    const secret = '3f9ac1d27be04586aa10';
    await mkdir(join(folder, 'deep'));
    const forms = {
      utf8: Buffer.from(text),
      utf16le: Buffer.from(`x${text}`, 'utf16le'),
      utf16be: Buffer.from(text, 'utf16le').swap16(),
      base64: Buffer.from(Buffer.from(text).toString('base64')),
      base64url: Buffer.from(Buffer.from(`ab${text}`).toString('base64url')),
      gzip: Buffer.concat([Buffer.from('before'), gzipSync(text.repeat(3)), Buffer.from('after')]),
      other: Buffer.from(text.replace(secret, '')),
    };
    for (const [name, data] of Object.entries(forms)) await writeFile(join(folder, 'deep', name), data);
    const found = await filesWith(folder, { secret });
    expect(found.toSorted()).toEqual(
      ['base64', 'base64url', 'gzip', 'utf16be', 'utf16le', 'utf8'].map((name) => `secret in deep/${name}`),
    );
  });

  // T-BROWSER-04
  it(
    'has nothing of what somebody has looked at, after they have signed out',
    async () => {
      const folder = await newFolder();
      {
        await using browser = await openProfile(BROWSER, place.url, folder);
        await lookAround(browser.page, place);
        await browser.page.getByRole('button', { name: 'Sign out' }).click();
        await browser.page.getByRole('heading', { name: 'Sign in' }).waitFor();
        expect(browser.problems).toEqual([]);
      }
      // What the browser keeps in any case is found, so that what is not found is not there.
      expect(await filesWith(folder, { address: `${place.url}/console/#/recover/key` })).not.toEqual([]);
      expect(await filesWith(folder, { ...CANARIES, token: place.tokens.recoverer })).toEqual([]);
    },
    PATIENCE,
  );

  // T-BROWSER-05
  it.runIf(LONG)(
    onlyLong('signs nobody in who starts the browser again'),
    async () => {
      const folder = await newFolder();
      {
        await using browser = await openProfile(BROWSER, place.url, folder);
        await signIn(browser.page, place.url, place.tokens.recoverer);
      }
      await using again = await openProfile(BROWSER, place.url, folder);
      await again.page.goto(`${place.url}/console/`);
      await again.page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
      expect(again.problems).toEqual([]);
    },
    PATIENCE,
  );

  // T-BROWSER-04
  it.runIf(LONG)(
    onlyLong('shows nothing of what somebody has looked at to whoever goes back to a page that the browser has kept'),
    async () => {
      await using browser = await openProfile(BROWSER, place.url, await newFolder());
      const { page } = browser;
      await lookAround(page, place);
      await showValue(page);
      // In memory alone, as what marks a page that was kept and not loaded anew.
      await page.evaluate('globalThis.isKept = true');
      await page.goto(`${place.url.replace('127.0.0.1', 'localhost')}/healthz`);
      await page.goBack({ waitUntil: 'commit' });
      await page.getByRole('button', { name: 'Sign out' }).waitFor();
      expect(await page.evaluate('globalThis.isKept')).toBeUndefined();
      const content = await page.content();
      for (const text of Object.values(CANARIES)) expect(content).not.toContain(text);
    },
    PATIENCE,
  );

  // T-BROWSER-04
  it.runIf(LONG)(
    onlyLong('has nothing of it when the browser is killed in the middle of a session'),
    async () => {
      const folder = await newFolder();
      await using browser = await openProfile(BROWSER, place.url, folder);
      await lookAround(browser.page, place);
      // The browser writes down where it has been when it has nothing else to do: first the address, then what was there.
      const sessions = join(folder, 'Default', 'Sessions');
      for (const part of ['Audit', 'Keys']) {
        await goTo(browser.page, part);
        const address = `/console/#/${part.toLowerCase()}`;
        await expect.poll(() => filesWith(sessions, { address }), { timeout: 30_000 }).not.toEqual([]);
      }
      await browser.page.goBack();
      await browser.page.goBack();
      await showValue(browser.page);
      const ended = new Promise((resolve) => browser.context.once('close', resolve));
      process.kill(Number((await readlink(join(folder, 'SingletonLock'))).replace(/^.*-/, '')), 'SIGKILL');
      await ended;
      expect(await filesWith(folder, { ...CANARIES, token: place.tokens.recoverer })).toEqual([]);
    },
    PATIENCE,
  );
});
